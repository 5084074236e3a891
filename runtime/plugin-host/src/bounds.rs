//! Bounds where few bytes from a guest would mean much work or memory here, and rows that would come twice.

use millstream_batch::{Edit, Field, Held, LogBatch};

use crate::error::CallError;
use crate::limits::Limits;

/// The most fields, or columns of structured metadata, that an answer may set. Names are compared one by one.
pub(crate) const COLUMNS: usize = 4096;

/// Checks an edit that keeps the contract: no row is held and put out at once, and naming rows many times as origins
/// makes no more bytes than the guest may return.
pub(crate) fn check(
    edit: &Edit,
    batch: &LogBatch,
    first_id: u64,
    held: &Held,
    limits: &Limits,
) -> Result<(), CallError> {
    let twice = match &edit.origins {
        None => edit.held.iter().find(|id| **id >= first_id),
        Some(_) if edit.held.is_empty() => None,
        Some(origins) => origins.iter().find(|id| edit.held.binary_search(id).is_ok()),
    };
    if let Some(&id) = twice {
        return Err(CallError::HeldAndOut { id });
    }
    let origins = edit.origins.as_deref().unwrap_or_default();
    // Each row at most once is no more than there is already.
    if origins.is_sorted_by(|one, next| one < next) {
        return Ok(());
    }
    let derived = &edit.derived;
    let limit = limits.output(batch.bytes() + held.rows().bytes());
    let mut bytes = 0;
    for &id in origins {
        bytes += match held.ids().binary_search(&id) {
            Ok(row) => inherited(edit, held.rows(), row),
            Err(_) => {
                let row = usize::try_from(id.saturating_sub(first_id)).unwrap_or_default();
                let beside = of(&derived.fields, row) + of(&derived.metadata, row);
                let line = derived
                    .lines
                    .as_ref()
                    .map_or(0, |lines| lines.get_bytes(row).len());
                inherited(edit, batch, row) + beside + line
            }
        };
        if bytes > limit {
            return Err(CallError::Oversize { bytes, limit });
        }
    }
    Ok(())
}

/// How many bytes an output row takes over from row `row` of `rows`.
fn inherited(edit: &Edit, rows: &LogBatch, row: usize) -> usize {
    let line = if edit.lines.is_none() {
        rows.lines.get_bytes(row).len()
    } else {
        0
    };
    24 + line + of(&rows.fields, row) + of(&rows.metadata, row)
}

/// How many bytes the columns have in row `row`.
fn of(columns: &[Field], row: usize) -> usize {
    columns
        .iter()
        .map(|field| field.values.get_bytes(row).len())
        .sum()
}
