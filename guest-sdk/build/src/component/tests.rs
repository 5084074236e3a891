use super::{push_length, slim, wrap};

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
    let section = |name: &str| {
        let mut bytes = vec![0, (name.len() + 2) as u8, name.len() as u8];
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(7);
        bytes
    };
    let empty = b"\0asm\x01\0\0\0".to_vec();
    let with = [
        &empty[..],
        &section(".debug_info"),
        &section("name"),
        &section("producers"),
    ]
    .concat();
    let kept = [&empty[..], &section("name")].concat();
    assert_eq!(slim(&with).unwrap(), kept);
}

#[test]
fn other_things_are_refused() {
    for (bytes, says) in [
        (&b"hello"[..], "not a WebAssembly module"),
        (b"\0asm\x01\0\0\0", "is `export_stage!` missing?"),
    ] {
        let error = format!("{:#}", wrap(bytes, false).unwrap_err());
        assert!(error.contains(says), "{error}");
    }
}
