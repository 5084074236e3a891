//! Millstream: the WebAssembly-scriptable agent for logs and metrics.
//!
//! The modules stand in the order data travels: [`sources`] → [`pipeline`] (which runs [`stages`]) → [`sinks`],
//! with [`delivery`] between them keeping count of what has arrived. [`manifest`] says what to build, [`admin`]
//! shows it, [`cli`] is the edge, [`authoring`] is for those who write plugins; [`plugins`] gets components, [`disk`] and
//! [`transport`] are the way to what lies outside.
//!
//! Sources never import sinks, nor the reverse; only [`pipeline`] knows both ends.

pub mod admin;
pub mod agent;
pub mod authoring;
pub mod causes;
pub mod cli;
pub mod delivery;
pub mod demo;
pub mod disk;
pub mod manifest;
pub mod pipeline;
pub mod plugins;
pub mod sinks;
pub mod sources;
pub mod stages;
pub mod timer;
pub mod transport;
