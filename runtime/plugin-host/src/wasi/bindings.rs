//! The interfaces as Rust traits, generated from `wit/`.

#![allow(
    missing_docs,
    clippy::too_many_lines,
    clippy::redundant_clone,
    unused_qualifications,
    unreachable_pub,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "millstream:wasi/given",
    imports: { default: trappable },
    with: {
        "wasi:cli/terminal-input.terminal-input": super::stdio::Terminal,
        "wasi:cli/terminal-output.terminal-output": super::stdio::Terminal,
        "wasi:filesystem/types.descriptor": super::descriptor::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": super::descriptor::Listing,
        "wasi:io/error.error": super::stream::Failure,
        "wasi:io/poll.pollable": super::clocks::Pollable,
        "wasi:io/streams.input-stream": super::stream::InputStream,
        "wasi:io/streams.output-stream": super::stream::OutputStream,
    },
});
