//! Sees through a pattern: the shapes that need no regex engine.
//!
//! Invariant: a plan answers as the regex would, for every text, or it is not chosen. Each constructor returns
//! `None` for whatever it does not fully understand.

pub(crate) mod filter;
pub(crate) mod scan;
pub(crate) mod shape;
pub(crate) mod words;

use regex_syntax::hir::{Hir, HirKind, Look};
use scan::Scan;
use shape::Shape;

/// How a pattern is run.
#[derive(Debug)]
pub(crate) enum Plan {
    /// One of some words, somewhere on a line.
    Scan(Box<Scan>),
    /// A row of byte classes at the start of the text; a full answer, or only a quick refusal before the regex.
    Shape(Shape),
    /// The regex, always.
    Regex,
}

/// The plan for a pattern. `slots` maps a group's number (from 1) to its place among the named groups.
pub(crate) fn choose(pattern: &Hir, slots: &[Option<usize>]) -> Plan {
    let parts = parts(pattern);
    if let Some(scan) = Scan::new(parts, slots) {
        return Plan::Scan(Box::new(scan));
    }
    Shape::new(parts, slots).map_or(Plan::Regex, Plan::Shape)
}

/// A concatenation's members, or the one member there is.
fn parts(hir: &Hir) -> &[Hir] {
    match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    }
}

/// Whether these parts match the empty text wherever they stand and catch nothing, so that they change no answer
/// when they come last.
fn idle(parts: &[Hir], slots: &[Option<usize>]) -> bool {
    parts.iter().all(|part| {
        let looks = part.properties().look_set();
        part.properties().minimum_len() == Some(0) && looks.is_empty() && !catches(part, slots)
    })
}

/// Whether a named group is inside.
fn catches(hir: &Hir, slots: &[Option<usize>]) -> bool {
    match hir.kind() {
        HirKind::Capture(group) => slot(group.index, slots).is_some() || catches(&group.sub, slots),
        HirKind::Repetition(repetition) => catches(&repetition.sub, slots),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(|part| catches(part, slots)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

fn slot(group: u32, slots: &[Option<usize>]) -> Option<usize> {
    slots.get(usize::try_from(group).ok()?).copied().flatten()
}

fn is_look(hir: &Hir, look: Look) -> bool {
    matches!(hir.kind(), HirKind::Look(found) if *found == look)
}
