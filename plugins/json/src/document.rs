//! The top level of a JSON object, with all of its keys or only those that are wanted.
//!
//! An unwanted value is skipped by the parser without building it: for a log line of twenty keys of which
//! three are extracted, that is most of the work.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A parsed object.
#[derive(Debug)]
pub(crate) enum Document {
    /// Everything.
    Whole(Value),
    /// The wanted keys, in the order they were asked for; a key may be asked for twice.
    Part(Vec<Option<Value>>),
}

impl Document {
    /// Reads the object in `text`. `null` counts as an object without keys, as in Go; anything else that is
    /// not an object is malformed.
    pub(crate) fn parse(text: &str, wanted: Option<&[String]>) -> Option<Self> {
        let Some(keys) = wanted else {
            return match serde_json::from_str(text).ok()? {
                Value::Null => Some(Self::Whole(Value::Object(Map::new()))),
                value @ Value::Object(_) => Some(Self::Whole(value)),
                _ => None,
            };
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let part = reader.deserialize_any(Part { keys }).ok()?;
        reader.end().ok()?;
        Some(Self::Part(part))
    }

    /// The whole object, unless only a part was read.
    pub(crate) fn whole(&self) -> Option<&Value> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Part(_) => None,
        }
    }

    /// The keys and values of a whole object.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.whole().and_then(Value::as_object).into_iter().flatten()
    }

    /// The value of a top-level key, which is number `place` of the wanted ones.
    pub(crate) fn get(&self, place: usize, key: &str) -> Option<&Value> {
        match self {
            Self::Whole(value) => value.get(key),
            Self::Part(values) => values.get(place)?.as_ref(),
        }
    }
}

/// Reads an object and keeps the wanted keys.
struct Part<'k> {
    keys: &'k [String],
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Vec<Option<Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(vec![None; self.keys.len()])
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.keys.len()];
        while let Some(place) = map.next_key_seed(Key { keys: self.keys })? {
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: Value = map.next_value()?;
            // Several expressions may start with one key.
            for (other, slot) in self.keys.iter().zip(&mut values).skip(place + 1) {
                if *other == self.keys[place] {
                    *slot = Some(value.clone());
                }
            }
            values[place] = Some(value);
        }
        Ok(values)
    }
}

/// Reads a key and answers its first place among the wanted ones, without keeping the text.
struct Key<'k> {
    keys: &'k [String],
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.keys.iter().position(|wanted| wanted == key))
    }
}
