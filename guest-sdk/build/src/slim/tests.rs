use super::{COMPONENT, CORE_MODULE, append, push_length, slim};

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const OUTER: &[u8] = b"\0asm\x0d\0\x01\0";

fn custom(name: &str) -> Vec<u8> {
    let mut bytes = vec![0, (name.len() + 2) as u8, name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(7);
    bytes
}

#[test]
fn lengths_are_leb128() {
    for (length, is) in [
        (0, vec![0]),
        (127, vec![0x7f]),
        (128, vec![0x80, 1]),
        (300, vec![0xac, 2]),
    ] {
        let mut bytes = Vec::new();
        push_length(&mut bytes, length);
        assert_eq!(bytes, is);
    }
}

#[test]
fn needless_sections_go() {
    let with = [
        MODULE,
        &custom(".debug_info"),
        &custom("name"),
        &custom("producers"),
    ]
    .concat();
    assert_eq!(slim(&with).unwrap(), [MODULE, &custom("name")].concat());
}

#[test]
fn they_go_from_what_is_nested_too() {
    let nest = |section: u8, content: &[u8]| {
        let mut bytes = Vec::new();
        append(&mut bytes, section, content);
        bytes
    };
    let component = |inner: &[u8]| {
        let module = nest(CORE_MODULE, &[MODULE, inner].concat());
        let nested = nest(COMPONENT, &[OUTER, &module].concat());
        [OUTER, &nested, &nest(CORE_MODULE, MODULE), &custom("kept")].concat()
    };
    let long = custom("name").repeat(40);
    let with = component(&[custom(".debug_line"), long.clone(), custom("target_features")].concat());
    assert_eq!(slim(&with).unwrap(), component(&long));
}

#[test]
fn other_bytes_are_refused() {
    for bytes in [&b"hello"[..], b"\0asm\x01\0\0\0\x01\xff"] {
        let error = slim(bytes).unwrap_err().to_string();
        assert!(error.contains("not WebAssembly"), "{error}");
    }
}
