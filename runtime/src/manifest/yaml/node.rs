//! The tree.

use super::scalar::Scalar;
use crate::manifest::place::Place;

/// A value and its place.
#[derive(Clone)]
pub struct Node {
    /// Where it stands; none for a block map or list, which is best pointed at by its key.
    pub place: Option<Place>,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone)]
pub enum Value {
    /// Text, or what reads as a number, a boolean or nothing.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text; names are unique.
    Map(Vec<(Key, Node)>),
}

/// A map's key.
#[derive(Clone)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

impl Node {
    /// The entry of a map.
    pub fn get(&self, name: &str) -> Option<(&Key, &Self)> {
        self.entries()
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(key, node)| (key, node))
    }

    /// The entries of a map; of anything else none.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar(_) | Value::Map(_) => &[],
        }
    }

    /// Whether nothing is written here.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// What a message calls it.
    pub fn noun(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Visits every scalar, with the keys above it.
    pub fn scalars<'a>(&'a self, keys: &mut Vec<&'a str>, visit: &mut impl FnMut(&[&'a str], &'a Scalar)) {
        match &self.value {
            Value::Scalar(scalar) => visit(keys, scalar),
            Value::List(items) => items.iter().for_each(|item| item.scalars(keys, visit)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    keys.push(&key.name);
                    node.scalars(keys, visit);
                    keys.pop();
                }
            }
        }
    }
}
