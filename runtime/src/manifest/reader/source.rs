//! A serde deserializer over the tree.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Broken;
use super::fault::Fault;
use crate::manifest::trail::Trail;
use crate::manifest::yaml::{Key, Node, Scalar, Typed, Value};

/// A value about to be read.
pub struct Reader<'a> {
    node: &'a Node,
    trail: Trail,
    broken: &'a Broken,
}

impl<'a> Reader<'a> {
    /// A reader of the whole document.
    pub fn new(root: &'a Node, broken: &'a Broken) -> Self {
        Self {
            node: root,
            trail: Trail::default(),
            broken,
        }
    }

    fn wanted(&self, wanted: &str, fix: impl Into<String>) -> Fault {
        Fault::wanted(wanted, self.node.noun(), fix).at(&self.trail)
    }

    fn scalar(&self, wanted: &str, fix: &str) -> Result<&'a Scalar, Fault> {
        match &self.node.value {
            Value::Scalar(scalar) if !scalar.is_null() => Ok(scalar),
            Value::List(items) if items.len() == 1 => {
                Err(self.wanted(wanted, "leave the `[` `]` or the `-` away"))
            }
            _ => Err(self.wanted(wanted, fix)),
        }
    }

    /// How to write text as the map that is wanted.
    fn as_map(&self, scalar: &Scalar) -> String {
        match self.trail.steps() {
            [_, _, stages, _] if stages == "stages" => format!("write `{}: {{}}`", scalar.text),
            _ => "write it as `key: value`".to_owned(),
        }
    }

    fn number<T: FromStr>(&self, max: impl Display) -> Result<T, Fault> {
        let wanted = format!("a whole number up to {max}");
        let scalar = self.scalar(&wanted, "")?;
        scalar.text.trim().parse().map_err(|_| {
            Fault::wanted(
                wanted,
                format!("`{}`", scalar.text),
                "write digits only, as in `5000`",
            )
            .at(&self.trail)
        })
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items = match &self.node.value {
            Value::List(items) => items.as_slice(),
            Value::Scalar(scalar) if scalar.is_null() => &[],
            Value::Scalar(_) => return Err(self.wanted("a list", "put it in brackets: `[…]`")),
            Value::Map(_) => return Err(self.wanted("a list", "begin each item with `- `")),
        };
        visitor.visit_seq(Items {
            items: items.iter().enumerate(),
            trail: &self.trail,
            broken: self.broken,
        })
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Scalar(scalar) if scalar.is_null() => &[],
            Value::Scalar(scalar) => return Err(self.wanted("a map", self.as_map(scalar))),
            Value::List(_) => return Err(self.wanted("a map", "write it as `key: value`, without `- `")),
        };
        visitor.visit_map(Entries {
            entries: entries.iter(),
            current: None,
            trail: &self.trail,
            broken: self.broken,
        })
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Scalar(scalar) => match scalar.typed() {
                Typed::Null => visitor.visit_unit(),
                Typed::Bool(value) => visitor.visit_bool(value),
                Typed::Unsigned(value) => visitor.visit_u64(value),
                Typed::Signed(value) => visitor.visit_i64(value),
                Typed::Float(value) => visitor.visit_f64(value),
                Typed::Text(text) => visitor.visit_str(text),
            },
            Value::List(_) => self.list(visitor),
            Value::Map(_) => self.map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let scalar = self.scalar("`true` or `false`", "")?;
        let word = scalar.text.trim();
        let fix = match word.to_ascii_lowercase().as_str() {
            "true" => return visitor.visit_bool(true),
            "false" => return visitor.visit_bool(false),
            "yes" | "y" | "on" | "1" => "write `true`",
            "no" | "n" | "off" | "0" => "write `false`",
            _ => "",
        };
        Err(Fault::wanted("`true` or `false`", format!("`{word}`"), fix).at(&self.trail))
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u32(self.number(u32::MAX)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.number(u64::MAX)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.scalar("text", "")?.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let kinds = || format!("kinds: {}", variants.join(", "));
        match &self.node.value {
            Value::Scalar(scalar) if !scalar.is_null() => visitor.visit_enum(Variant {
                name: &scalar.text,
                content: None,
                trail: self.trail,
            }),
            Value::Map(entries) => match entries.as_slice() {
                [(key, node)] => {
                    let trail = self.trail.child(&key.name);
                    let content = Some(Reader {
                        node,
                        trail: trail.clone(),
                        broken: self.broken,
                    });
                    visitor.visit_enum(Variant {
                        name: &key.name,
                        content,
                        trail,
                    })
                }
                [] => Err(self.wanted("a map of one key, its kind", kinds())),
                [(first, _), (second, _), ..] => {
                    Err(Fault::two_kinds(&first.name, &second.name).at(&self.trail.child(&second.name)))
                }
            },
            Value::Scalar(_) | Value::List(_) => Err(self.wanted("a map of one key, its kind", kinds())),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

/// The items of a list, without the broken ones.
struct Items<'a> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    trail: &'a Trail,
    broken: &'a Broken,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        for (index, node) in self.items.by_ref() {
            let trail = self.trail.child(&index.to_string());
            if !self.broken.contains(&trail) {
                let reader = Reader {
                    node,
                    trail: trail.clone(),
                    broken: self.broken,
                };
                return seed
                    .deserialize(reader)
                    .map(Some)
                    .map_err(|fault| fault.at(&trail).of(&trail));
            }
        }
        Ok(None)
    }
}

/// The entries of a map, without the broken ones.
struct Entries<'a> {
    entries: std::slice::Iter<'a, (Key, Node)>,
    current: Option<(&'a Node, Trail)>,
    trail: &'a Trail,
    broken: &'a Broken,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        for (key, node) in self.entries.by_ref() {
            let trail = self.trail.child(&key.name);
            if !self.broken.contains(&trail) {
                let name = StrDeserializer::<Fault>::new(&key.name);
                let read = seed
                    .deserialize(name)
                    .map_err(|fault| fault.at(&trail).of(&trail));
                self.current = Some((node, trail));
                return read.map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((node, trail)) = self.current.take() else {
            return Err(Fault::wanted("read key by key", "not", ""));
        };
        let reader = Reader {
            node,
            trail: trail.clone(),
            broken: self.broken,
        };
        seed.deserialize(reader)
            .map_err(|fault| fault.at(&trail).of(&trail))
    }
}

/// One of several: a word, or a one-key map.
struct Variant<'a> {
    name: &'a str,
    content: Option<Reader<'a>>,
    trail: Trail,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let read = seed.deserialize(StrDeserializer::<Fault>::new(self.name));
        let read = match self.content {
            Some(_) => read.map_err(Fault::of_kind),
            None => read,
        };
        read.map_err(|fault| fault.at(&self.trail))
            .map(|value| (value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content {
            None => Ok(()),
            Some(_) => {
                Err(Fault::wanted("a word", "a map", format!("write `{}`", self.name)).at(&self.trail))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        match self.content {
            Some(reader) => seed.deserialize(reader).map_err(|fault| fault.at(&self.trail)),
            None => {
                let fix = format!("write `{}: {{}}` with its settings", self.name);
                Err(Fault::wanted("a map of one key, its kind", "text", fix).at(&self.trail))
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Fault> {
        Err(Fault::wanted("a map", "a tuple", "").at(&self.trail))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.content {
            Some(reader) => reader.map(visitor),
            None => Err(Fault::wanted("a map", "text", "").at(&self.trail)),
        }
    }
}
