//! JSON pointers (RFC 6901) over a column of documents.
//!
//! All pointers are followed in one pass: a value that none of them leads to is skipped without being built, one that
//! they lead to is kept as it is written. Why not `serde_json::Value`: it would build every key of every line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most pointers that are compiled together.
const MOST: usize = 1024;

/// The most steps of a pointer; a document nested deeper than serde_json reads is none.
const STEPS: usize = 64;

/// The most that steps times length may be: a document is read once per step of its longest pointer. Half a second at the worst,
/// which is 16 ns a byte (an array of small numbers, and a thousand pointers to look for each; 2026-11-28).
const WORK: usize = 32 << 20;

/// Compiled pointers.
#[derive(Debug)]
pub(super) struct Pointers {
    names: Vec<Arc<str>>,
    root: Node,
    /// The most steps that one of them has.
    deepest: usize,
}

/// A place in documents.
#[derive(Debug, Default)]
struct Node {
    /// Which names its value is put under.
    wanted: Vec<usize>,
    /// By key: a document may have as many as it has bytes, so looking through all of these for each would not do.
    below: BTreeMap<String, Node>,
}

impl Pointers {
    /// Compiles pairs of a name and a pointer.
    pub(super) fn new(named: Vec<(String, String)>) -> Result<Self, String> {
        if named.len() > MOST {
            return Err(format!("{} pointers are more than {MOST}", named.len()));
        }
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut root = Node::default();
        let mut deepest = 1;
        for (name, pointer) in named {
            if name.is_empty() {
                return Err(format!("the pointer `{pointer}` has no name"));
            }
            if names.iter().any(|known| **known == *name) {
                return Err(format!("`{name}` is the name of two pointers"));
            }
            let mut node = &mut root;
            let keys = steps(&pointer)?;
            deepest = deepest.max(keys.len());
            for key in keys {
                node = node.below.entry(key).or_default();
            }
            node.wanted.push(names.len());
            names.push(name.into());
        }
        Ok(Self { names, root, deepest })
    }

    /// The names, in the order of the pointers.
    pub(super) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The longest document they are followed in, in bytes.
    pub(super) fn longest(&self) -> usize {
        WORK / self.deepest
    }

    /// Bytes that they take, about.
    pub(super) fn memory(&self) -> usize {
        fn of(node: &Node) -> usize {
            let below = node.below.iter().map(|(key, node)| key.len() + 64 + of(node));
            node.wanted.len() * 8 + below.sum::<usize>()
        }
        of(&self.root) + self.names.iter().map(|name| name.len() + 16).sum::<usize>()
    }

    /// Finds the values of a document, by the places of their names; false when it is no JSON.
    pub(super) fn read<'t>(&self, document: &'t str, values: &mut [Option<Cow<'t, str>>]) -> bool {
        let mut found = vec![None; values.len()];
        if walk(&self.root, document, &mut found).is_err() {
            return false;
        }
        for (value, found) in values.iter_mut().zip(found) {
            *value = found.and_then(text);
        }
        true
    }
}

/// The keys of a pointer.
fn steps(pointer: &str) -> Result<Vec<String>, String> {
    let Some(path) = pointer.strip_prefix('/') else {
        return Err(format!("`{pointer}` is no JSON pointer: it begins with `/`"));
    };
    let keys: Vec<String> = path
        .split('/')
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    if keys.len() > STEPS {
        return Err(format!("`{pointer}` has more than {STEPS} steps"));
    }
    Ok(keys)
}

/// A value as the text of a field; none for null.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    if json == "null" {
        return None;
    }
    let Some(inner) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Some(Cow::Borrowed(json));
    };
    if inner.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

fn walk<'t>(node: &Node, json: &'t str, found: &mut [Option<&'t RawValue>]) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.deserialize_any(Walk { node, found })?;
    reader.end()
}

/// Reads a value of which `node` wants parts.
struct Walk<'n, 'f, 't> {
    node: &'n Node,
    found: &'f mut [Option<&'t RawValue>],
}

impl<'t> Walk<'_, '_, 't> {
    /// Keeps a value below, and looks into it where that is wanted, too.
    fn keep(&mut self, below: &Node, value: &'t RawValue) -> serde_json::Result<()> {
        for &name in &below.wanted {
            self.found[name] = Some(value);
        }
        if below.below.is_empty() {
            Ok(())
        } else {
            walk(below, value.get(), self.found)
        }
    }
}

impl<'t> Visitor<'t> for Walk<'_, '_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<(), A::Error> {
        let node = self.node;
        while let Some(below) = map.next_key_seed(Key(node))? {
            match below {
                Some(below) => self
                    .keep(below, map.next_value()?)
                    .map_err(serde::de::Error::custom)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut items: A) -> Result<(), A::Error> {
        let node = self.node;
        let mut index = 0_usize;
        while let Some(value) = items.next_element::<&'t RawValue>()? {
            if let Some(below) = node.below.get(&index.to_string()) {
                self.keep(below, value).map_err(serde::de::Error::custom)?;
            }
            index += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a key and answers what is below a node there, without keeping the text.
struct Key<'n>(&'n Node);

impl<'de, 'n> DeserializeSeed<'de> for Key<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Key<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.below.get(key))
    }
}

#[cfg(test)]
mod tests;
