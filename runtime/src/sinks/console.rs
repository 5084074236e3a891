//! The console sink: entries and samples on stdout.
//!
//! [`format`](mod@format) makes text of rows, [`print`] writes it on a thread that may block, because a terminal or a
//! pipe that nobody reads must not hold up the other sinks.
//!
//! A shipment settles when its text has been written. When the reader has gone (`millstream run … | head`), the sink
//! ends and reports what was left: nothing more can be delivered, and pretending so would move checkpoints past
//! entries nobody has seen. Any other failure (a full disk behind a redirect) is waited out.

pub mod format;
pub mod print;
pub mod settings;

use std::io::Write;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::delivery::{Load, Shipment};
use crate::sinks::report::SinkReport;

pub use settings::{ConsoleFormat, ConsoleSettings};

use print::{Printed, Printer};

/// A console sink.
#[derive(Debug)]
pub struct ConsoleSink<W> {
    settings: ConsoleSettings,
    printer: Printer<W>,
}

impl ConsoleSink<std::io::Stdout> {
    /// A sink that prints to stdout.
    #[must_use]
    pub fn new(name: String, settings: ConsoleSettings) -> Self {
        Self::to(name, settings, std::io::stdout())
    }
}

impl<W: Write + Send + 'static> ConsoleSink<W> {
    /// A sink that prints to `out`.
    #[must_use]
    pub fn to(name: String, settings: ConsoleSettings, out: W) -> Self {
        Self {
            settings,
            printer: Printer::new(name, out),
        }
    }

    /// Prints shipments until the inlet is closed, the reader has gone, or `abort`.
    pub async fn run(mut self, mut inlet: mpsc::Receiver<Shipment>, abort: CancellationToken) -> SinkReport {
        let mut left_rows = 0;
        loop {
            let shipment = tokio::select! {
                biased;
                () = abort.cancelled() => break,
                shipment = inlet.recv() => shipment,
            };
            let Some(shipment) = shipment else {
                return SinkReport { left_rows };
            };
            let Some(text) = self.text(&shipment.load) else {
                // Nobody packs for a sink that wants rows. Never settled is the safe answer to a bug that did.
                tracing::error!(entries = shipment.load.rows(), "packed entries came to a console");
                left_rows += abandon(shipment);
                continue;
            };
            match self.printer.print(text, &abort).await {
                Printed::All => shipment.receipt.settle(),
                Printed::Closed | Printed::Aborted => {
                    left_rows += abandon(shipment);
                    break;
                }
            }
        }
        inlet.close();
        while let Some(shipment) = inlet.recv().await {
            left_rows += abandon(shipment);
        }
        SinkReport { left_rows }
    }

    fn text(&self, load: &Load) -> Option<Vec<u8>> {
        let mut text = String::new();
        match (load, self.settings.format) {
            (Load::Logs(batch), ConsoleFormat::Text) => format::entries_as_text(batch, &mut text),
            (Load::Logs(batch), ConsoleFormat::Json) => format::entries_as_json(batch, &mut text),
            (Load::Samples(batch), ConsoleFormat::Text) => format::samples_as_text(batch, &mut text),
            (Load::Samples(batch), ConsoleFormat::Json) => format::samples_as_json(batch, &mut text),
            (Load::Packed(_), _) => return None,
        }
        Some(text.into_bytes())
    }
}

/// Gives a shipment up; says how many rows that leaves.
fn abandon(shipment: Shipment) -> u64 {
    let rows = shipment.load.rows();
    shipment.receipt.abandon();
    rows
}

#[cfg(test)]
mod tests;
