//! The few protobuf fields our encoders write by hand, on top of prost's varints.
//!
//! Each writer has a `*_len` beside it, because a message is preceded by its length.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

/// The bytes of a length-delimited field with `length` bytes of content; the tags used here fit one byte.
pub(crate) fn delimited_len(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

/// Begins a length-delimited field: its content of `length` bytes must follow.
pub(crate) fn begin(tag: u32, length: usize, out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

/// A string or bytes field.
pub(crate) fn bytes(tag: u32, content: &[u8], out: &mut Vec<u8>) {
    begin(tag, content.len(), out);
    out.extend_from_slice(content);
}

/// The bytes of an `int32`/`int64` field; none for 0, the default.
pub(crate) fn int_len(value: i64) -> usize {
    if value == 0 {
        0
    } else {
        1 + encoded_len_varint(value.cast_unsigned())
    }
}

/// An `int32`/`int64` field; nothing for 0, the default.
pub(crate) fn int(tag: u32, value: i64, out: &mut Vec<u8>) {
    if value != 0 {
        encode_key(tag, WireType::Varint, out);
        encode_varint(value.cast_unsigned(), out);
    }
}

/// The bytes of a message of two strings, fields 1 and 2: a label or a pair of metadata.
pub(crate) fn pair_len(name: &[u8], value: &[u8]) -> usize {
    delimited_len(name.len()) + delimited_len(value.len())
}

/// A field that is a message of two strings, fields 1 and 2.
pub(crate) fn pair(tag: u32, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    begin(tag, pair_len(name, value), out);
    bytes(1, name, out);
    bytes(2, value, out);
}

/// The front of an entry, put together on the stack: five small fields appended one by one to a vector cost more
/// than copying the line.
pub(crate) struct Head {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl Head {
    /// Room for the largest: five one-byte keys and five varints of ten bytes.
    const ROOM: usize = 64;

    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; Self::ROOM],
            len: 0,
        }
    }

    /// What was written.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Begins a length-delimited field.
    pub(crate) fn begin(&mut self, tag: u8, length: usize) {
        self.byte(tag << 3 | 2);
        self.varint(length as u64);
    }

    /// An `int32`/`int64` field; nothing for 0, the default.
    pub(crate) fn int(&mut self, tag: u8, value: i64) {
        if value != 0 {
            self.byte(tag << 3);
            self.varint(value.cast_unsigned());
        }
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }
}
