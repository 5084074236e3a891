//! What the suites share.

pub mod agent;
pub mod bench;
pub mod receiver;
pub mod servers;
pub mod users;

pub use agent::{Agent, binary, millstream};
