//! Acts with the kernels of the host.

use millstream_stage::contract::kernels::{self, Beside, Column, Patch};

use crate::act::Act;
use crate::misdeeds;

/// Linear engines take time in proportion to its size for every byte of a text of as and bs.
const WORST: &str = "[ab]*a[ab]{300}c";

/// What [`commit`] runs.
const HARMLESS: &str = "(?P<word>[a-z]+)";

/// The acts of `configure`; the others have two patterns compiled, which get the handles 0 and 1.
pub(crate) fn set_up(act: Act) {
    match act {
        Act::KernelHoard => loop {
            if kernels::pattern(HARMLESS).is_err() {
                return;
            }
        },
        Act::KernelEarly => {
            kernels::matches(0, &Column::Lines);
        }
        Act::KernelHandle
        | Act::KernelLate
        | Act::KernelFlood
        | Act::KernelPatch
        | Act::KernelDrops
        | Act::KernelThenTrap => {
            let compiled = [kernels::pattern(HARMLESS), kernels::pattern(WORST)];
            if compiled != [Ok(0), Ok(1)] {
                misdeeds::give_up();
            }
        }
        _ => {}
    }
}

/// The acts of `process`.
pub(crate) fn commit(act: Act, rows: usize) {
    let lines = Column::Lines;
    match act {
        Act::KernelTardy => {
            let _ = kernels::pattern(HARMLESS);
        }
        Act::KernelHandle => {
            kernels::matches(7, &lines);
        }
        Act::KernelLate => {
            kernels::find(1, &lines);
        }
        Act::KernelFlood => {
            kernels::replace(0, &lines, &"${word}".repeat(500_000));
        }
        Act::KernelPatch => {
            let patch = Patch {
                row: 0,
                start: 0,
                end: u32::MAX,
                text: String::new(),
            };
            kernels::splice(&lines, &[patch]);
        }
        Act::KernelDrops => {
            kernels::drop_rows(&vec![1; rows.div_ceil(8)], "asked");
        }
        Act::KernelThenTrap => {
            kernels::extract(0, &lines, Beside::Fields);
            kernels::replace(0, &lines, "gone");
            misdeeds::give_up();
        }
        _ => {}
    }
}
