//! What the suites share.

pub mod agent;
pub mod arrivals;
pub mod authors;
pub mod bench;
pub mod misbehaver;
pub mod numbered;
pub mod process;
pub mod receiver;
pub mod servers;
pub mod staged;
pub mod torture;
pub mod users;
pub mod writer;

pub use agent::{Agent, Launch, binary, millstream};
