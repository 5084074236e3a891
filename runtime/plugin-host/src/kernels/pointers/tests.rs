use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn pointers(named: &[(&str, &str)]) -> Result<Pointers, String> {
    let named = named
        .iter()
        .map(|(name, pointer)| ((*name).to_owned(), (*pointer).to_owned()));
    Pointers::new(named.collect())
}

fn read(named: &[(&str, &str)], document: &str) -> Option<Vec<Option<String>>> {
    let mut values = vec![None; named.len()];
    let is_json = pointers(named).unwrap().read(document, &mut values);
    is_json.then(|| {
        values
            .into_iter()
            .map(|value| value.map(Cow::into_owned))
            .collect()
    })
}

#[test]
fn values_are_texts_or_their_json() {
    let document = r#"{"s":"a\"b\u00e9","plain":"é","n":1.50,"t":true,"none":null,"o":{"k":[1, {"x":"y"}]},"a/b":{"~":"tilde"},"":"empty"}"#;
    let found = |pointer| read(&[("x", pointer)], document).unwrap().remove(0);
    for (pointer, value) in [
        ("/s", Some("a\"bé")),
        ("/plain", Some("é")),
        ("/n", Some("1.50")),
        ("/t", Some("true")),
        ("/none", None),
        ("/gone", None),
        ("/o", Some(r#"{"k":[1, {"x":"y"}]}"#)),
        ("/o/k/0", Some("1")),
        ("/o/k/1/x", Some("y")),
        ("/o/k/2", None),
        ("/o/k/01", None),
        ("/o/k/x", None),
        ("/s/x", None),
        ("/n/0", None),
        ("/a~1b/~0", Some("tilde")),
        ("/", Some("empty")),
    ] {
        assert_eq!(found(pointer).as_deref(), value, "{pointer}");
    }
}

#[test]
fn several_pointers_share_a_pass() {
    let named = [("all", "/a"), ("b", "/a/b"), ("again", "/a"), ("c", "/a/c/0")];
    let all = r#"{"b":"x","c":["y"]}"#;
    let found = read(&named, &format!(r#"{{"z":[{{}}],"a":{all}}}"#)).unwrap();
    assert_eq!(
        found,
        [
            Some(all.into()),
            Some("x".into()),
            Some(all.into()),
            Some("y".into())
        ]
    );
}

#[test]
fn what_is_no_json_is_told() {
    for text in [
        "",
        "plain text",
        "{\"a\":1",
        "{\"a\":1} x",
        "{\"a\":\"\u{1}\"}",
        "{a:1}",
        "[1,]",
    ] {
        assert_eq!(read(&[("a", "/a")], text), None, "{text}");
    }
    for text in ["1", "\"a\"", "null", "[]", "{}", " {\"b\": 1} "] {
        assert_eq!(read(&[("a", "/a")], text), Some(vec![None]), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    read(&[("a", "/0/0")], &deep);
}

#[test]
fn pointers_that_are_none_are_refused() {
    for (named, says) in [
        (vec![("a", "a")], "begins with `/`"),
        (vec![("a", "")], "begins with `/`"),
        (vec![("", "/a")], "has no name"),
        (vec![("a", "/a"), ("a", "/b")], "`a` is the name of two"),
    ] {
        assert!(pointers(&named).unwrap_err().contains(says));
    }
    assert!(
        pointers(&[("a", &"/x".repeat(65))])
            .unwrap_err()
            .contains("64 steps")
    );
    let many: Vec<_> = (0..1025).map(|n| (n.to_string(), "/a".to_owned())).collect();
    assert!(Pointers::new(many).unwrap_err().contains("1024"));
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[ab~/]{0,2}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    /// The one pass finds what `serde_json` finds in a document that it builds.
    #[test]
    fn agrees_with_serde_json(document in documents(), paths in proptest::collection::vec("(/([ab0-2]|~0|~1){0,2}){1,3}", 1..4)) {
        let names: Vec<String> = (0..paths.len()).map(|n| n.to_string()).collect();
        let named: Vec<_> = names.iter().map(String::as_str).zip(paths.iter().map(String::as_str)).collect();
        let expected: Vec<_> = paths.iter().map(|path| match document.pointer(path) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        }).collect();
        prop_assert_eq!(read(&named, &document.to_string()), Some(expected));
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"a0-1\\\\u ]{0,30}") {
        read(&[("a", "/a/0"), ("b", "/0/a")], &text);
    }
}
