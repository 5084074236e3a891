//! The wire formats Millstream speaks: exposition text, Loki push, Prometheus remote write, snappy blocks.
//!
//! Invariants: pure functions (no IO, no clock, no tokio); whatever bytes come in, the answer is a value or an
//! error, never a panic, and no length a peer merely declares is allocated before it has been found plausible.
//!
//! Written by hand and not generated, because the senders encode straight from columns: a line is copied once
//! into its request, where a generated message would first want it as a `String` of its own.

pub mod exposition;
pub mod loki_push;
pub mod remote_write;
pub mod snappy;

mod protobuf;
