//! Where everything of a manifest stands, kept after its text is gone, and which bytes of the text are secret.

use std::collections::BTreeMap;
use std::ops::Range;

use super::place::Place;
use super::yaml::{Node, Value};

/// Keys whose value is a secret.
const SECRET_KEYS: [&str; 3] = ["password", "bearer_token", "credentials"];

/// Maps whose values may be secrets.
const SECRET_MAPS: [&str; 2] = ["headers", "environment"];

/// The places of keys and values, by the steps that lead to them.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<Vec<String>, Pair>);

#[derive(Clone, Copy, Debug)]
struct Pair {
    key: Place,
    value: Place,
}

impl Places {
    /// The places of a tree.
    pub fn of(root: &Node) -> Self {
        let mut places = Self::default();
        places.add(
            root,
            &mut Vec::new(),
            Place {
                line: 1,
                column: 1,
                width: 1,
            },
        );
        places
    }

    /// Where a key stands, or a list's item.
    pub fn key(&self, steps: &[&str]) -> Option<Place> {
        self.pair(steps).map(|pair| pair.key)
    }

    /// Where a value stands.
    pub fn value(&self, steps: &[&str]) -> Option<Place> {
        self.pair(steps).map(|pair| pair.value)
    }

    fn pair(&self, steps: &[&str]) -> Option<Pair> {
        let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
        self.0.get(&steps).copied()
    }

    fn add(&mut self, node: &Node, steps: &mut Vec<String>, key: Place) {
        let value = node.place.filter(|place| place.width > 0).unwrap_or(key);
        self.0.insert(steps.clone(), Pair { key, value });
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    steps.push(index.to_string());
                    self.add(item, steps, item.place.unwrap_or(key));
                    steps.pop();
                }
            }
            Value::Map(entries) => {
                for (name, inner) in entries {
                    steps.push(name.name.clone());
                    self.add(inner, steps, name.place);
                    steps.pop();
                }
            }
        }
    }
}

/// The bytes of the text that no message may show: passwords, tokens, header values, URLs with credentials.
pub fn secrets(root: &Node) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    root.scalars(&mut Vec::new(), &mut |keys, scalar| {
        let last = keys.last().copied().unwrap_or_default();
        let map = keys.iter().rev().nth(1).copied().unwrap_or_default();
        let below_headers = SECRET_MAPS.contains(&map);
        let url_with_user = last == "url" && scalar.text.contains('@');
        let text = scalar.text.as_str();
        let only_variable =
            text.starts_with("${env:") && text.find('}') == Some(text.len() - 1) && !text.contains(":-");
        if (SECRET_KEYS.contains(&last) || below_headers || url_with_user) && !only_variable {
            secrets.push(scalar.bytes.clone());
        }
    });
    secrets
}

/// The same for a text that is not YAML: everything behind a secret's key, to the end of the line.
pub fn secret_lines(text: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut start = 0;
    // The indentation of a map of secrets, whose lines are further in.
    let mut inside = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        inside = inside.filter(|map| indent > *map || line.trim().is_empty());
        let named = SECRET_KEYS.iter().chain(&SECRET_MAPS);
        let key = named
            .filter_map(|key| line.find(key).map(|at| at + key.len()))
            .min()
            .or(inside.map(|_| indent));
        if SECRET_MAPS.iter().any(|map| line.trim_start().starts_with(map)) {
            inside = Some(indent);
        }
        if let Some(behind) = key.and_then(|at| line[at..].find(':').map(|colon| at + colon + 1)) {
            secrets.push(start + behind..start + line.len());
        }
        start += line.len();
    }
    secrets
}
