//! RE2 as Go reads it, rewritten for the `regex` crate.
//!
//! A rewrite by tokens, not by patching the `regex` syntax tree: inside brackets the two grammars part company
//! (`[a&&b]` and `[[a]` are plain characters in RE2, set operations in `regex`), so a tree parsed with the wrong
//! grammar has nothing left to patch.
//!
//! What differs and is rewritten: `\d \w \s` and `\b` are ASCII, and `\s` lacks the vertical tab; `\Q…\E`; octal
//! escapes; `\<` is a plain `<`; `{` that opens no repetition is a plain `{`; `\p{^…}`; group names may start with
//! a digit. Groups lose their names on the way: [`Translated::names`] keeps them by number.
//!
//! What `regex` accepts and RE2 refuses is refused where it would mean something else to the one who wrote it
//! (`a*+`, the flags `x u R`, `\<` as a word edge); the rest (`\p{greek}` in lower case, repetitions above 1000) is let
//! through. Known to be refused although Go takes it: a doubled flag (`(?ii)`), an empty one (`(?)`), surrogates
//! (`\x{D800}`). As in Go, a name may be given to several groups.

mod class;
mod escape;

use crate::error::PatternError;

/// An expression in `regex` spelling.
#[derive(Debug)]
pub(crate) struct Translated {
    /// What to compile.
    pub(crate) regex: String,
    /// The name of each capturing group, in order of opening; the whole match is not among them.
    pub(crate) names: Vec<Option<String>>,
    /// (offset in `regex`, offset in the source) of each token, ascending.
    places: Vec<(usize, usize)>,
}

impl Translated {
    /// The source offset of the token that became the byte `offset` of the rewritten expression.
    pub(crate) fn place(&self, offset: usize) -> usize {
        let after = self.places.partition_point(|(out, _)| *out <= offset);
        after
            .checked_sub(1)
            .and_then(|i| self.places.get(i))
            .map_or(0, |(_, source)| *source)
    }
}

/// Rewrites `source`. The result still has to be compiled: structure (unclosed groups, a repetition of nothing) is
/// left for `regex` to check.
pub(crate) fn translate(source: &str) -> Result<Translated, PatternError> {
    let mut scribe = Scribe {
        source,
        at: 0,
        out: String::new(),
        names: Vec::new(),
        places: Vec::new(),
    };
    let mut repeated = false;
    while let Some(next) = scribe.peek() {
        scribe.places.push((scribe.out.len(), scribe.at));
        let repeats = matches!(next, '*' | '+' | '?') || (next == '{' && repetition(scribe.rest()).is_some());
        if repeats && repeated {
            return Err(scribe.refuse(scribe.at, "a repetition of a repetition"));
        }
        repeated = repeats;
        match next {
            '\\' => escape::outside(&mut scribe)?,
            '[' => class::bracket(&mut scribe)?,
            '(' => group(&mut scribe)?,
            '*' | '+' | '?' => {
                scribe.copy(1);
                scribe.laziness();
            }
            '{' => match repetition(scribe.rest()) {
                Some(length) => {
                    scribe.copy(length);
                    scribe.laziness();
                }
                None => scribe.literal(1),
            },
            '.' | '^' | '$' | '|' | ')' => scribe.copy(1),
            plain => scribe.literal(plain.len_utf8()),
        }
    }
    Ok(Translated {
        regex: scribe.out,
        names: scribe.names,
        places: scribe.places,
    })
}

/// The position in the source and the text written so far.
struct Scribe<'a> {
    source: &'a str,
    at: usize,
    out: String,
    names: Vec<Option<String>>,
    places: Vec<(usize, usize)>,
}

impl<'a> Scribe<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character without writing it.
    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Writes the next `bytes` of the source as they are.
    fn copy(&mut self, bytes: usize) {
        self.out.push_str(self.rest().get(..bytes).unwrap_or_default());
        self.at += bytes;
    }

    /// Writes the next `bytes` of the source so that they mean themselves.
    fn literal(&mut self, bytes: usize) {
        self.out.push_str(&regex_syntax::escape(
            self.rest().get(..bytes).unwrap_or_default(),
        ));
        self.at += bytes;
    }

    /// Writes one character so that it means itself, inside brackets or outside.
    fn character(&mut self, character: char) {
        if character.is_control() {
            self.out.push_str(&format!("\\x{{{:X}}}", u32::from(character)));
        } else {
            self.out
                .push_str(&regex_syntax::escape(character.encode_utf8(&mut [0; 4])));
        }
    }

    /// The `?` after a repetition.
    fn laziness(&mut self) {
        if self.peek() == Some('?') {
            self.copy(1);
        }
    }

    fn refuse(&self, offset: usize, reason: impl Into<String>) -> PatternError {
        PatternError::new(self.source, offset, reason)
    }
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the start of `rest`; anything else that starts with `{` is plain text.
fn repetition(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('{')?;
    let (inside, _) = inside.split_once('}')?;
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!low.is_empty() && digits(low) && digits(high)).then_some(inside.len() + 2)
}

/// An opening parenthesis and what says which kind of group it opens.
fn group(scribe: &mut Scribe<'_>) -> Result<(), PatternError> {
    let start = scribe.at;
    let rest = scribe.rest();
    let Some(kind) = rest.strip_prefix("(?") else {
        scribe.names.push(None);
        scribe.copy(1);
        return Ok(());
    };
    let refused = [
        ("=", "look-ahead `(?=` is not in RE2"),
        ("!", "look-ahead `(?!` is not in RE2"),
        ("<=", "look-behind `(?<=` is not in RE2"),
        ("<!", "look-behind `(?<!` is not in RE2"),
        ("P=", "the back-reference `(?P=` is not in RE2"),
        ("P>", "the recursion `(?P>` is not in RE2"),
        (">", "the atomic group `(?>` is not in RE2"),
        ("#", "the comment `(?#` is not in RE2"),
    ];
    if let Some((_, reason)) = refused.iter().find(|(opening, _)| kind.starts_with(opening)) {
        return Err(scribe.refuse(start, *reason));
    }
    if let Some(named) = kind.strip_prefix("P<").or_else(|| kind.strip_prefix('<')) {
        let name_at = start + rest.len() - named.len();
        let name = match named.split_once('>') {
            Some((name, _))
                if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                name
            }
            _ => return Err(scribe.refuse(name_at, "a group name is letters, digits and `_`, closed by `>`")),
        };
        scribe.names.push(Some(name.to_owned()));
        scribe.out.push('(');
        scribe.at = name_at + name.len() + 1;
        return Ok(());
    }
    let flags = kind.bytes().take_while(|b| !matches!(b, b':' | b')')).count();
    let flags = kind.get(..flags).unwrap_or_default();
    match flags
        .bytes()
        .position(|b| !matches!(b, b'i' | b'm' | b's' | b'U' | b'-'))
    {
        Some(odd) => {
            let reason = "an unknown group: the flags are `i`, `m`, `s`, `U`, a name goes in `(?P<name>…)`";
            Err(scribe.refuse(start + 2 + odd, reason))
        }
        None => {
            scribe.copy(2 + flags.len() + 1);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
