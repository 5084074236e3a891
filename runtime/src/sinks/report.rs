//! What a sink left undelivered when it had to stop.

/// What a sink left undelivered when it had to stop.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SinkReport {
    /// Rows that were neither delivered nor dropped on purpose; their shipments never settle in this run.
    pub left_rows: u64,
}
