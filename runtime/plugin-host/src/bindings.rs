//! The contract as Rust types, generated from `guest-sdk/wit/stage.wit`.
//!
//! Borrowed on the way in, so that a column crosses with one copy straight from the batch.

#![allow(
    missing_docs,
    clippy::too_many_lines,
    unused_qualifications,
    unreachable_pub,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "../../guest-sdk/wit",
    world: "log-stage",
    ownership: Borrowing { duplicate_if_necessary: true },
    // A kernel that is called against the rules, or for too long, is a trap.
    imports: { "millstream:stage/kernels": trappable },
});
