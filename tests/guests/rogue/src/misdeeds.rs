//! Acts that happen inside a call.

use std::hint::black_box;

use millstream_stage::{Failure, log};

use crate::act::Act;

/// Lines of a flood.
const FLOOD: u32 = 10_000;

/// Steps of slow work: tens of milliseconds.
const STEPS: u32 = 20_000_000;

/// Commits the acts that do not concern the answer.
pub(crate) fn commit(act: Act) -> Result<(), Failure> {
    match act {
        Act::Loop => never_end(),
        Act::Recurse => {
            dig_deeper(0);
        }
        Act::Hoard => hoard(),
        Act::Panic | Act::HoldThenTrap | Act::HoldPoison => give_up(),
        Act::Fail => return Err(Failure::new("no, as asked")),
        Act::Slow => (0..STEPS).for_each(|step| {
            black_box(step);
        }),
        Act::LogFlood => (0..FLOOD).for_each(|line| log::warn(&format!("line {line} of a flood"))),
        _ => {}
    }
    Ok(())
}

#[inline(never)]
#[expect(clippy::panic, reason = "this is the misdeed")]
pub(crate) fn give_up() -> ! {
    panic!("the rogue gives up");
}

#[inline(never)]
pub(crate) fn never_end() -> ! {
    loop {
        black_box(0);
    }
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "this is the misdeed")]
fn dig_deeper(depth: u64) -> u64 {
    let room = black_box([depth; 8]);
    dig_deeper(depth + 1) + room[0]
}

#[inline(never)]
fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}
