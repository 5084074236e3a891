//! Sinks: where entries and samples go. A sink takes shipments, never knows a source.

pub mod console;
pub mod loki;
pub mod remote_write;
pub mod report;
pub mod succession;
