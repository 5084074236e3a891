//! Places in a manifest's text, and the text itself as far as messages may show it.
//!
//! Invariants: lines and columns count from 1 and columns count characters; a shown line never holds a secret,
//! because secrets are struck out when the [`Sheet`] is made, not when a message is printed.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where something stands in the manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of that line it takes.
    pub width: usize,
}

/// Turns byte ranges of a text into places.
pub struct Ruler<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Ruler<'a> {
    /// A ruler laid on `text`.
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        Self { text, starts }
    }

    /// The place of a range; what reaches over the line's end is cut there.
    pub fn place(&self, range: &Range<usize>) -> Place {
        let line = self.starts.partition_point(|start| *start <= range.start).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..range.start).unwrap_or_default();
        let within = self.text.get(range.clone()).unwrap_or_default();
        let within = within.split(['\r', '\n']).next().unwrap_or_default();
        Place {
            line,
            column: before.chars().count() + 1,
            width: within.trim_end().chars().count(),
        }
    }

    /// The text of a range.
    pub fn slice(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

/// A manifest's name and lines, secrets struck out: what messages are printed on.
#[derive(Debug, PartialEq, Eq)]
pub struct Sheet {
    path: PathBuf,
    lines: Vec<String>,
}

impl Sheet {
    /// The sheet of `text`, with the bytes of `secrets` replaced by `*`.
    pub fn new(path: &Path, text: &str, secrets: &[Range<usize>]) -> Self {
        let mut secrets = secrets.to_vec();
        secrets.sort_by_key(|range| range.start);
        let mut ahead = secrets.iter().peekable();
        let mut shown = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            while ahead.peek().is_some_and(|range| range.end <= at) {
                ahead.next();
            }
            let secret = ahead.peek().is_some_and(|range| range.contains(&at));
            shown.push(match c {
                '\n' => c,
                _ if secret && !c.is_whitespace() => '*',
                _ if c.is_control() => ' ',
                _ => c,
            });
        }
        Self {
            path: path.to_path_buf(),
            lines: shown.lines().map(str::to_owned).collect(),
        }
    }

    /// The manifest's path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A line, counted from 1; empty when there is none.
    pub fn line(&self, line: usize) -> &str {
        line.checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .map_or("", String::as_str)
    }

    /// The place of a line and column of the text that `key` has as its value, when that is a block (`key: |`): only there
    /// the lines of the value are lines of the manifest.
    pub fn within(&self, key: Place, line: usize, column: usize) -> Option<Place> {
        let head: String = self
            .line(key.line)
            .chars()
            .skip(key.column - 1 + key.width)
            .collect();
        if !head.trim_start_matches(['"', '\'', ':', ' ']).starts_with('|') || line == 0 {
            return None;
        }
        let block = self.lines.get(key.line..)?;
        let indent = block
            .iter()
            .find(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start().len())?;
        let column = (indent + column).max(1);
        let rest: String = block.get(line - 1)?.chars().skip(column - 1).collect();
        let word = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .count();
        Some(Place {
            line: key.line + line,
            column,
            width: word.max(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_within_a_block_is_a_place_of_the_sheet() {
        let text = "a:\n  - code: |\n\n      let x = 1\n      fix(x)\n  - code: 'fix(x)'\n";
        let sheet = Sheet::new(Path::new("m.yaml"), text, &[]);
        let key = |line| Place {
            line,
            column: 5,
            width: 4,
        };
        let place = Place {
            line: 5,
            column: 7,
            width: 3,
        };
        assert_eq!(sheet.within(key(2), 3, 1), Some(place));
        assert_eq!(sheet.within(key(2), 30, 1), None);
        assert_eq!(sheet.within(key(6), 1, 1), None, "no block");
    }

    #[test]
    fn places_count_characters_and_end_with_their_line() {
        let text = "añb: c\nnext: [x,\n  y]\n";
        let ruler = Ruler::new(text);
        assert_eq!(
            ruler.place(&(0..4)),
            Place {
                line: 1,
                column: 1,
                width: 3
            }
        );
        assert_eq!(
            ruler.place(&(6..7)),
            Place {
                line: 1,
                column: 6,
                width: 1
            }
        );
        let list = text.find('[').unwrap();
        assert_eq!(
            ruler.place(&(list..text.len() - 1)),
            Place {
                line: 2,
                column: 7,
                width: 3
            }
        );
        assert_eq!(
            ruler.place(&(text.len()..text.len())),
            Place {
                line: 4,
                column: 1,
                width: 0
            }
        );
        assert_eq!(
            ruler.place(&(900..901)).width,
            0,
            "ranges of another text do no harm"
        );
    }

    #[test]
    fn secrets_are_struck_out() {
        let text = "a: hunter2 # note\nb: x\u{1b}[31m";
        let sheet = Sheet::new(Path::new("m.yaml"), text, std::slice::from_ref(&(3..10)));
        assert_eq!(sheet.line(1), "a: ******* # note");
        assert_eq!(
            sheet.line(2),
            "b: x [31m",
            "escapes for the terminal are not passed on"
        );
        assert_eq!(sheet.line(0), "");
        assert_eq!(sheet.line(9), "");
    }
}
