//! A batch behind its last stage, in the form each sink wants.
//!
//! The worker packs it, and not the sink: it has the rows in its cache, there are as many workers as the manifest says, and what
//! is packed for one sink is packed for all. What a sink gets is then a seventh in size and almost ready to be sent. A batch is
//! packed at the last moment, since a reload may lead it to another sink until then.

use std::sync::{Arc, OnceLock};

use millstream_batch::LogBatch;
use millstream_wire::loki_push::{Packed, Packer};

use crate::delivery::{Form, Load};

/// A batch behind its last stage. Clones are the same batch.
#[derive(Clone, Debug)]
pub struct Finished(Arc<Batch>);

#[derive(Debug)]
struct Batch {
    rows: Arc<LogBatch>,
    packed: OnceLock<Arc<Packed>>,
}

impl Finished {
    /// This batch.
    #[must_use]
    pub fn new(rows: LogBatch) -> Self {
        Self(Arc::new(Batch {
            rows: Arc::new(rows),
            packed: OnceLock::new(),
        }))
    }

    /// The batch as a sink wants it.
    pub fn load(&self, form: Form, packer: &mut Packer) -> Load {
        let rows = &self.0.rows;
        let all = 0..rows.len();
        if form.packs(all.clone().map(|row| rows.size_of(row).0).sum()) {
            let packed = self.0.packed.get_or_init(|| Arc::new(packer.pack(rows, all)));
            if form.takes(packed) {
                return Load::Packed(packed.clone());
            }
        }
        Load::Logs(rows.clone())
    }
}

#[cfg(test)]
mod tests {
    use millstream_batch::{Field, Labels};

    use super::*;

    fn batch(metadata: &str) -> LogBatch {
        LogBatch {
            timestamps: vec![1],
            lines: ["0123456789"].into_iter().collect(),
            streams: vec![0],
            labels: vec![Labels::from_pairs([("a", "1")])],
            metadata: vec![Field::from_values("m", [Some(metadata)])],
            ..LogBatch::default()
        }
    }

    #[test]
    fn it_is_packed_once_for_all_sinks_that_want_it_so_and_left_alone_for_others() {
        let (finished, mut packer) = (Finished::new(batch("")), Packer::default());
        let form = Form::Packed {
            request: 1000,
            weight: 4000,
        };
        let (one, other) = (
            finished.load(form, &mut packer),
            finished.clone().load(form, &mut packer),
        );
        let (Load::Packed(one), Load::Packed(other)) = (one, other) else {
            panic!("not packed");
        };
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!((one.len(), one.text()), (1, 11));
        assert!(matches!(finished.load(Form::Rows, &mut packer), Load::Logs(rows) if rows.len() == 1));
    }

    #[test]
    fn what_is_much_of_a_request_goes_as_rows() {
        let mut packer = Packer::default();
        for (metadata, request, packs) in [
            ("", 33, true),
            ("", 32, false),
            ("12", 33, false),
            ("12", 39, true),
        ] {
            let form = Form::Packed {
                request,
                weight: 4000,
            };
            let load = Finished::new(batch(metadata)).load(form, &mut packer);
            assert_eq!(matches!(load, Load::Packed(_)), packs, "{metadata:?} {request}");
        }
    }

    #[test]
    fn what_is_heavier_than_a_request_goes_as_rows() {
        let (finished, mut packer) = (Finished::new(batch("")), Packer::default());
        let weight = packer.pack(&batch(""), 0..1).length();
        for (weight, packs) in [(weight, true), (weight - 1, false)] {
            let load = finished.load(
                Form::Packed {
                    request: 1000,
                    weight,
                },
                &mut packer,
            );
            assert_eq!(matches!(load, Load::Packed(_)), packs);
        }
    }
}
