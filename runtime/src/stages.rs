//! Stages: the bundled plugins, and a plugin at its place in a pipeline.

pub mod bundled;
pub mod events;
pub mod guest_metrics;
pub mod metrics;
pub mod stage;

pub use events::Events;
pub use guest_metrics::GuestMetrics;
pub use metrics::StageMetrics;
pub use stage::Stage;
