//! Sources: where entries and samples come from. A source knows its outlet, never a sink.

pub mod file;
pub mod lanes;
pub mod outlet;
pub mod parcel;
pub mod prometheus;

pub use lanes::Lanes;
pub use outlet::{Outlet, SampleOutlet};
pub use parcel::{LogParcel, Settled};
