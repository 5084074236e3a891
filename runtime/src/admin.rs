//! What the agent shows of itself: ready, health, metrics, reload.

pub mod families;
pub mod health;
pub mod reloads;
pub mod server;

pub use families::Families;
pub use health::Health;
pub use server::{Admin, Reload};
