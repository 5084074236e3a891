//! Where resolving stands in the tree, and the notebook mistakes are written into.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::Surroundings;
use crate::manifest::error::{Cause, Problem, Severity};
use crate::manifest::nearest::nearest;
use crate::manifest::place::Place;
use crate::manifest::reader::locate;
use crate::manifest::trail::Trail;
use crate::manifest::yaml::{Node, Value};

/// What all cursors share.
pub struct Ground<'a> {
    surroundings: &'a Surroundings<'a>,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Ground<'a> {
    /// A ground with an empty notebook.
    pub fn new(surroundings: &'a Surroundings<'a>) -> Self {
        Self {
            surroundings,
            problems: RefCell::new(Vec::new()),
        }
    }

    /// What was noted.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A position in the manifest: what its value is called, where it stands, and the place to complain about it.
#[derive(Clone)]
pub struct At<'a> {
    ground: &'a Ground<'a>,
    trail: Trail,
}

impl<'a> At<'a> {
    /// The manifest itself.
    pub fn root(ground: &'a Ground<'a>) -> Self {
        Self {
            ground,
            trail: Trail::default(),
        }
    }

    /// The value of a key, whether it is there or not.
    pub fn key(&self, name: &str) -> Self {
        Self {
            ground: self.ground,
            trail: self.trail.child(name),
        }
    }

    /// The items that could be read, in step with the document's list.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let count = self.node().map_or(0, |node| node.items().len());
        let (ground, trail) = (self.ground, self.trail.clone());
        (0..count)
            .map(move |index| trail.child(&index.to_string()))
            .filter(|item| !ground.surroundings.broken.contains(item))
            .map(|trail| At { ground, trail })
    }

    /// The names in this map as written, of readable and unreadable entries alike.
    pub fn names(&self) -> Vec<&'a str> {
        self.node()
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|(key, _)| key.name.as_str())
            .collect()
    }

    /// Whether something is written here, readable or not.
    pub fn is_written(&self) -> bool {
        self.node().is_some_and(|node| !node.is_null())
    }

    /// Whether something is written here that could not be read.
    pub fn is_broken(&self) -> bool {
        self.ground.surroundings.broken.contains(&self.trail)
    }

    /// Whether nothing is written here, nor beside it under a misspelt name: that is reported already.
    pub fn is_missing(&self) -> bool {
        let Some(name) = self.trail.steps().last() else {
            return false;
        };
        let beside = Self {
            ground: self.ground,
            trail: self.trail.parent(),
        };
        let misspelt = beside
            .names()
            .into_iter()
            .filter(|other| beside.key(other).is_broken());
        !self.is_written() && nearest(name, misspelt).is_none()
    }

    /// Whether a list without items stands here.
    pub fn is_empty_list(&self) -> bool {
        self.node()
            .is_some_and(|node| matches!(&node.value, Value::List(items) if items.is_empty()))
    }

    /// The names of the bundled plugins.
    pub fn bundled(&self) -> &'a [&'a str] {
        self.ground.surroundings.bundled
    }

    /// The manifest itself.
    pub fn top(&self) -> Self {
        Self::root(self.ground)
    }

    /// What a message calls this value.
    pub fn subject(&self) -> String {
        self.trail.subject()
    }

    /// The key that leads here; when it is missing, the closest one above.
    pub fn key_place(&self) -> Place {
        let at = locate(self.ground.surroundings.root, &self.trail);
        at.key.unwrap_or(Place {
            line: 1,
            column: 1,
            width: 1,
        })
    }

    /// The value, if it stands on one line, else its key.
    pub fn place(&self) -> Place {
        let value = self
            .node()
            .and_then(|node| node.place)
            .filter(|place| place.width > 0);
        value.unwrap_or_else(|| self.key_place())
    }

    /// A path of the manifest, from the manifest's folder.
    pub fn path(&self, text: &str) -> PathBuf {
        let folder: &Path = self.ground.surroundings.folder;
        folder.join(text.strip_prefix("./").unwrap_or(text))
    }

    /// Notes that this value is wrong.
    pub fn refuse(&self, message: impl Into<String>, fix: impl Into<String>) {
        self.note(Severity::Error, self.place(), message.into(), fix.into(), None);
    }

    /// Notes that this value is wrong, and why underneath.
    pub fn refuse_because(
        &self,
        message: impl Into<String>,
        cause: impl Into<Cause>,
        fix: impl Into<String>,
    ) {
        self.note(
            Severity::Error,
            self.place(),
            message.into(),
            fix.into(),
            Some(cause.into()),
        );
    }

    /// Notes that this key is wrong, or what it should hold is missing.
    pub fn refuse_key(&self, message: impl Into<String>, fix: impl Into<String>) {
        self.note(
            Severity::Error,
            self.key_place(),
            message.into(),
            fix.into(),
            None,
        );
    }

    /// Notes that this key is probably not meant so.
    pub fn warn_key(&self, message: impl Into<String>, fix: impl Into<String>) {
        self.note(
            Severity::Warning,
            self.key_place(),
            message.into(),
            fix.into(),
            None,
        );
    }

    fn note(&self, severity: Severity, place: Place, message: String, fix: String, cause: Option<Cause>) {
        self.ground.problems.borrow_mut().push(Problem {
            severity,
            place,
            message,
            fix,
            cause,
        });
    }

    fn node(&self) -> Option<&'a Node> {
        let at = locate(self.ground.surroundings.root, &self.trail);
        at.whole.then_some(at.node)
    }
}
