//! Stages: the bundled plugins, and a plugin at its place in a pipeline.

pub mod breaker;
pub mod bundled;
pub mod dead_letters;
pub mod events;
pub mod guest_metrics;
pub mod metrics;
pub mod stage;

pub use dead_letters::DeadLetters;
pub use events::Events;
pub use guest_metrics::GuestMetrics;
pub use metrics::StageMetrics;
pub use stage::{Place, Stage};
