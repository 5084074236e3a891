//! Delivery: what is on its way, what has arrived, and what an answer means.

pub mod ledger;
pub mod losses;
pub mod outcome;
pub mod receipt;
pub mod shipment;
pub mod spool;

pub use ledger::{Ledger, Origin};
pub use losses::Losses;
pub use outcome::Outcome;
pub use receipt::{Receipt, Release, Settlements};
pub use shipment::{Form, Load, Shipment};
