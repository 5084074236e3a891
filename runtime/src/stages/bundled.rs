//! The plugins inside the binary. They are sandboxed like any other; being bundled saves a file, not a check.

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The component of a bundled plugin.
#[must_use]
pub fn component(name: &str) -> Option<&'static [u8]> {
    BUNDLED
        .iter()
        .find(|(bundled, _)| *bundled == name)
        .map(|(_, wasm)| *wasm)
}
