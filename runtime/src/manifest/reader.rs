//! Tree → document structs, through serde, with every mistake in its place.
//!
//! Serde stops at the first error. To report them all, [`read`] tries again with the culprit left out: every field of a
//! document is optional, so a broken value reads as absent, and [`Broken`] remembers which are, so that nobody complains
//! about their absence afterwards. A manifest with n mistakes is read n + 1 times, which for n = 100 still is
//! instantaneous; the reward is that documents stay plain serde structs, which the JSON schema is derived from.
//!
//! Scalars are read as the type that is wanted, whatever their quotes: `"5"` is a number where a number is wanted and
//! `5` text where text is. So `${env:PORT}` works everywhere.

mod fault;
mod source;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::error::Problem;
use super::trail::Trail;
use super::yaml::Node;
use source::Reader;

/// What could not be read, or expanded: its absence is no further mistake.
#[derive(Debug, Default)]
pub struct Broken(BTreeSet<Trail>);

impl Broken {
    /// Leaves a value out.
    pub fn add(&mut self, trail: Trail) -> bool {
        self.0.insert(trail)
    }

    /// Whether a value is left out.
    pub fn contains(&self, trail: &Trail) -> bool {
        self.0.contains(trail)
    }
}

/// Reads a document, as much of it as can be read; `None` when its root is not what it should be.
pub fn read<T: DeserializeOwned>(root: &Node, broken: &mut Broken, problems: &mut Vec<Problem>) -> Option<T> {
    loop {
        match T::deserialize(Reader::new(root, broken)) {
            Ok(document) => return Some(document),
            Err(fault) => {
                let culprit = fault.culprit();
                problems.push(fault.problem(root));
                if culprit.steps().is_empty() || !broken.add(culprit) {
                    return None;
                }
            }
        }
    }
}

/// The node at a trail, or the closest above it that there is, and the key that leads to it.
pub fn locate<'a>(root: &'a Node, trail: &Trail) -> Located<'a> {
    let mut at = Located {
        key: None,
        node: root,
        whole: true,
    };
    for step in trail.steps() {
        let node = at.node;
        let item = step
            .parse::<usize>()
            .ok()
            .and_then(|index| node.items().get(index));
        let first_key = |item: &Node| item.entries().first().map(|(key, _)| key.place);
        at = match (node.get(step), item) {
            (Some((key, inner)), _) => Located {
                key: Some(key.place),
                node: inner,
                whole: true,
            },
            (None, Some(inner)) => Located {
                key: inner.place.or_else(|| first_key(inner)).or(at.key),
                node: inner,
                whole: true,
            },
            (None, None) => return Located { whole: false, ..at },
        };
    }
    at
}

/// What [`locate`] found.
#[derive(Clone, Copy)]
pub struct Located<'a> {
    /// The key that leads there, or the closest one.
    pub key: Option<super::place::Place>,
    /// The value.
    pub node: &'a Node,
    /// Whether it is the value itself, not one above.
    pub whole: bool,
}
