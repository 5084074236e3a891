//! A compiled pattern: what a stage holds and asks.

use crate::error::PatternError;
use crate::flavour::{self, Translated};
use crate::plan::walk::Marks;
use crate::plan::{self, Plan};
use regex::{CaptureLocations, Captures, Regex, RegexBuilder};
use regex_syntax::hir::Hir;
use std::borrow::Cow;
use std::ops::Range;

/// A pattern in Go's RE2 flavour: leftmost-first, `$` only at the text's end, `.` everything but `\n`.
///
/// ```
/// let pattern = millstream_pattern::Pattern::new(".*(?P<level>INFO|WARN).*")?;
/// let mut slots = pattern.slots();
/// assert!(pattern.captures("12:00 WARN disk full", &mut slots));
/// assert_eq!(slots.get(0), Some(6..10));
/// assert_eq!(pattern.group_names(), ["level"]);
/// # Ok::<(), millstream_pattern::PatternError>(())
/// ```
#[derive(Debug)]
pub struct Pattern {
    expression: String,
    names: Vec<String>,
    /// Per named group, its number in `regex`.
    numbers: Vec<usize>,
    regex: Regex,
    plan: Plan,
}

/// Where the named groups of a match lie; made by [`Pattern::slots`], written by [`Pattern::captures`], so that
/// matching a line allocates nothing.
#[derive(Debug, Clone)]
pub struct Slots {
    spans: Vec<Option<(usize, usize)>>,
    locations: CaptureLocations,
}

impl Slots {
    /// The bytes of the named group `group`, counted as in [`Pattern::group_names`]; `None` when it took no part in
    /// the match.
    #[inline]
    pub fn get(&self, group: usize) -> Option<Range<usize>> {
        self.spans
            .get(group)
            .copied()
            .flatten()
            .map(|(start, end)| start..end)
    }

    #[inline]
    fn set(&mut self, groups: &[(usize, usize, usize)], at: usize) {
        if groups.len() != self.spans.len() {
            self.spans.fill(None);
        }
        for (slot, start, end) in groups {
            if let Some(span) = self.spans.get_mut(*slot) {
                *span = Some((at + start, at + end));
            }
        }
    }
}

/// How much longer than allowed a replacement may be by its estimate, to be tried out.
const ESTIMATE: usize = 16;

/// How many bytes of `with` may be gone through per byte that is allowed: references to groups that are empty add nothing to the
/// text and take their time all the same.
const WORK: usize = 2;

/// Puts `with` in the place of matches, until the text is full.
struct Bounded<'w> {
    with: &'w str,
    /// The most groups that `with` names.
    groups: usize,
    most: usize,
    /// Bytes of `with` gone through.
    spent: usize,
}

impl Bounded<'_> {
    /// Appends what stands for a match; false when there is no room for it.
    fn append(&mut self, found: &Captures<'_>, out: &mut String) -> bool {
        // No group is longer than the whole match. Most are shorter, so the estimate alone does not decide.
        let longest = found.get(0).map_or(0, |all| all.len());
        let estimate = self
            .groups
            .saturating_mul(longest)
            .saturating_add(self.with.len());
        self.spent = self.spent.saturating_add(self.with.len());
        let full = out.len() > self.most
            || estimate > self.most.saturating_mul(ESTIMATE)
            || self.spent > self.most.saturating_add(self.with.len()).saturating_mul(WORK);
        if !full {
            found.expand(self.with, out);
        }
        !full
    }
}

/// What the engine may take for one pattern, in bytes.
#[derive(Debug, Clone, Copy)]
struct Room {
    program: usize,
    cache: usize,
}

impl Pattern {
    /// Compiles `expression`.
    ///
    /// # Errors
    /// The expression is not RE2, or compiles to more than the regex engine's limit; the error says where and why.
    pub fn new(expression: &str) -> Result<Self, PatternError> {
        Self::planned(expression, None)
    }

    /// The same for an expression of somebody who is not trusted: it compiles to `program` bytes at most, and the engine
    /// keeps some `cache` bytes of what it worked out. A search then takes time in proportion to `program` times the text
    /// at worst.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn within(expression: &str, program: usize, cache: usize) -> Result<Self, PatternError> {
        Self::planned(expression, Some(Room { program, cache }))
    }

    fn planned(expression: &str, room: Option<Room>) -> Result<Self, PatternError> {
        let (mut pattern, hir) = Self::unplanned(expression, room)?;
        let mut slots = vec![None; pattern.regex.captures_len()];
        for (slot, number) in pattern.numbers.iter().enumerate() {
            slots[*number] = Some(slot);
        }
        pattern.plan = plan::choose(&hir, &slots);
        Ok(pattern)
    }

    /// The same pattern, always run by the regex engine: to measure a plan by, and to test it against.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn without_plan(expression: &str) -> Result<Self, PatternError> {
        Ok(Self::unplanned(expression, None)?.0)
    }

    fn unplanned(expression: &str, room: Option<Room>) -> Result<(Self, Hir), PatternError> {
        let translated = flavour::translate(expression)?;
        let hir = parse(expression, &translated)?;
        let mut builder = RegexBuilder::new(&translated.regex);
        if let Some(room) = room {
            builder.size_limit(room.program).dfa_size_limit(room.cache);
        }
        let regex = builder
            .build()
            .map_err(|error| PatternError::new(expression, 0, format!("too big to compile ({error})")))?;
        let named = translated
            .names
            .into_iter()
            .enumerate()
            .filter_map(|(i, name)| Some((i + 1, name?)));
        let (numbers, names) = named.unzip();
        let pattern = Self {
            expression: expression.to_owned(),
            names,
            numbers,
            regex,
            plan: Plan::Regex,
        };
        Ok((pattern, hir))
    }

    #[cfg(test)]
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The expression as it was written.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The named groups, in order of their opening parenthesis. Unnamed groups are not reported; a name given to
    /// several groups is there as often.
    pub fn group_names(&self) -> &[String] {
        &self.names
    }

    /// The names, each once and in the order of first appearance, with the group that counts: of those of one name the last,
    /// as in Alloy.
    pub fn columns(&self) -> Vec<(&str, usize)> {
        let mut columns: Vec<(&str, usize)> = Vec::new();
        for (group, name) in self.names.iter().enumerate() {
            match columns.iter_mut().find(|(known, _)| known == name) {
                Some(column) => column.1 = group,
                None => columns.push((name, group)),
            }
        }
        columns
    }

    /// A buffer for [`Pattern::captures`] of this pattern.
    pub fn slots(&self) -> Slots {
        Slots {
            spans: vec![None; self.names.len()],
            locations: self.regex.capture_locations(),
        }
    }

    /// Whether the pattern matches anywhere in `text`.
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.plan {
            Plan::Scan(scan) => scan.is_match(text.as_bytes()),
            Plan::Shape(shape) => {
                shape.passes(text.as_bytes()) && (shape.is_exact() || self.regex.is_match(text))
            }
            Plan::Walk(walk) => walk.goes(text.as_bytes(), &mut Marks::default()),
            Plan::Regex => self.regex.is_match(text),
        }
    }

    /// Whether the pattern matches; if so, `slots` holds the named groups of the first match, else it is left as it
    /// was. `slots` must come from this pattern.
    #[inline]
    pub fn captures(&self, text: &str, slots: &mut Slots) -> bool {
        match &self.plan {
            Plan::Scan(scan) => {
                let found = scan.find(text.as_bytes());
                if let Some((word, at)) = found {
                    slots.set(&word.groups, at);
                }
                found.is_some()
            }
            Plan::Shape(shape) => {
                if !shape.passes(text.as_bytes()) {
                    return false;
                }
                let Some(groups) = shape.groups() else {
                    return self.run(text, slots);
                };
                slots.set(groups, 0);
                true
            }
            Plan::Walk(walk) => {
                let mut marks = Marks::default();
                if !walk.goes(text.as_bytes(), &mut marks) {
                    return false;
                }
                for (span, mark) in slots.spans.iter_mut().zip(marks).take(walk.groups()) {
                    *span = Some(mark);
                }
                true
            }
            Plan::Regex => self.run(text, slots),
        }
    }

    /// Where the matches lie, one behind the other.
    pub fn spans<'p, 't: 'p>(&'p self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 'p {
        self.regex.find_iter(text).map(|found| found.range())
    }

    /// `text` with every match replaced by `with`, in which `$1`, `${1}` and `${name}` stand for groups and `$$` for `$`,
    /// as in Go's `Expand`; a name without braces (`$name`) is not looked up. `None` when that would be longer than `most` bytes; it
    /// is never made.
    pub fn replace_all<'t>(&self, text: &'t str, with: &str, most: usize) -> Option<Cow<'t, str>> {
        self.replace_while(text, with, most, || true)
    }

    /// The same, for as long as `go_on` says so: it is asked before every match is replaced, since a text with many of them
    /// can take time in proportion to its square.
    pub fn replace_while<'t>(
        &self,
        text: &'t str,
        with: &str,
        most: usize,
        mut go_on: impl FnMut() -> bool,
    ) -> Option<Cow<'t, str>> {
        if !self.is_match(text) {
            return (text.len() <= most).then_some(Cow::Borrowed(text));
        }
        let mut with = Cow::Borrowed(with);
        // The groups of `regex` have lost their names.
        for (name, number) in self.names.iter().zip(&self.numbers) {
            let named = format!("${{{name}}}");
            if with.contains(&named) {
                with = Cow::Owned(with.replace(&named, &format!("${{{number}}}")));
            }
        }
        let mut bounded = Bounded {
            groups: with.matches('$').count(),
            with: &with,
            most,
            spent: 0,
        };
        let mut replaced = String::with_capacity(text.len().min(most));
        let mut done = 0;
        for found in self.regex.captures_iter(text) {
            let all = found.get(0)?;
            replaced.push_str(text.get(done..all.start())?);
            done = all.end();
            if !go_on() || !bounded.append(&found, &mut replaced) {
                return None;
            }
        }
        replaced.push_str(text.get(done..)?);
        (replaced.len() <= most).then_some(Cow::Owned(replaced))
    }

    fn run(&self, text: &str, slots: &mut Slots) -> bool {
        if self.numbers.is_empty() {
            return self.regex.is_match(text);
        }
        if self.regex.captures_read(&mut slots.locations, text).is_none() {
            return false;
        }
        for (span, number) in slots.spans.iter_mut().zip(&self.numbers) {
            *span = slots.locations.get(*number);
        }
        true
    }
}

/// Parses the rewritten expression, and tells an error by its place in the original.
fn parse(expression: &str, translated: &Translated) -> Result<Hir, PatternError> {
    regex_syntax::parse(&translated.regex).map_err(|error| {
        let (offset, reason) = match &error {
            regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
            regex_syntax::Error::Translate(error) => (error.span().start.offset, error.kind().to_string()),
            other => (0, other.to_string()),
        };
        PatternError::new(expression, translated.place(offset), reason)
    })
}
