//! Sees through a pattern: the shapes that need no regex engine.
//!
//! Invariant: a plan answers as the regex would, for every text, or it is not chosen. Each constructor returns
//! `None` for whatever it does not fully understand.

pub(crate) mod filter;
pub(crate) mod scan;
pub(crate) mod shape;
pub(crate) mod walk;
pub(crate) mod words;

use regex_syntax::hir::{Hir, HirKind, Look};
use scan::Scan;
use shape::Shape;
use walk::Walk;

/// How a pattern is run.
#[derive(Debug)]
pub(crate) enum Plan {
    /// One of some words, somewhere on a line.
    Scan(Box<Scan>),
    /// A row of byte classes at the start of the text; a full answer, or only a quick refusal before the regex.
    Shape(Shape),
    /// From field to field, from the start of the text.
    Walk(Walk),
    /// The regex, always.
    Regex,
}

/// The plan for a pattern. `slots` maps a group's number (from 1) to its place among the named groups.
pub(crate) fn choose(pattern: &Hir, slots: &[Option<usize>]) -> Plan {
    let parts = parts(pattern);
    if let Some(scan) = Scan::new(parts, slots) {
        return Plan::Scan(Box::new(scan));
    }
    match Shape::new(parts, slots) {
        // The groups are known where passing is the full answer.
        Some(shape) if shape.groups().is_some() => Plan::Shape(shape),
        shape => match Walk::new(parts, slots) {
            Some(walk) => Plan::Walk(walk),
            None => shape.map_or(Plan::Regex, Plan::Shape),
        },
    }
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

#[cfg(test)]
mod tests {
    use super::Plan;
    use crate::Pattern;

    /// What people write gets the plan that was made for it; that a plan answers as the engine does, `tests/plan.rs` says.
    #[test]
    fn common_patterns_need_no_engine() {
        let walks = [
            r"^(?P<time>\S+) (?P<stream>stdout|stderr) (?P<flags>\S+) (?P<content>.*)$",
            r"^(?s)(?P<time>\S+?) (?P<stream>stdout|stderr) (?P<flags>\S+?) (?P<content>.*)$",
            r#"^(?P<remote>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<path>\S+) [^"]*" (?P<status>\d{3}) (?P<size>\d+)"#,
        ];
        for expression in walks {
            let pattern = Pattern::new(expression).unwrap();
            assert!(matches!(pattern.plan(), Plan::Walk(_)), "{expression}");
        }
        let words = Pattern::new(".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*").unwrap();
        assert!(matches!(words.plan(), Plan::Scan(_)));
        let time = Pattern::new(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}").unwrap();
        assert!(matches!(time.plan(), Plan::Shape(_)));
        // A run that could be shorter is the engine's.
        let shorter = Pattern::new(r"^(?P<a>\S+)x(?P<b>.*)").unwrap();
        assert!(matches!(shorter.plan(), Plan::Regex | Plan::Shape(_)));
    }
}
