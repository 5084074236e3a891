//! Pipelines: workers that carry batches from sources through stages to sinks, and the graph that holds them.

pub mod assembly;
pub mod chain;
pub mod change;
pub mod clock;
pub mod finished;
pub mod graph;
pub mod load;
pub mod numbers;
pub mod plan;
pub mod sample_worker;
pub mod succession;
pub mod worker;

pub use assembly::Assembly;
pub use clock::WallClock;
pub use graph::{DrainReport, Graph};
pub use load::Loaded;
pub use plan::Plan;
