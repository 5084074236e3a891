//! Backslash escapes.

use super::Scribe;
use crate::error::PatternError;

/// RE2's Perl classes, as the inside of a bracket. `\s` has no vertical tab.
pub(super) fn perl(letter: char) -> Option<&'static str> {
    match letter.to_ascii_lowercase() {
        'd' => Some("0-9"),
        'w' => Some("0-9A-Za-z_"),
        's' => Some("\\t\\n\\x0C\\r\\x20"),
        _ => None,
    }
}

/// An escape outside brackets; the source stands at the backslash.
pub(super) fn outside(scribe: &mut Scribe<'_>) -> Result<(), PatternError> {
    let letter = scribe.rest().chars().nth(1);
    match letter {
        Some('d' | 'w' | 's' | 'D' | 'W' | 'S') => {
            scribe.at += 1;
            let letter = scribe.take().unwrap_or_default();
            let negated = if letter.is_ascii_uppercase() { "^" } else { "" };
            scribe
                .out
                .push_str(&format!("[{negated}{}]", perl(letter).unwrap_or_default()));
        }
        Some(edge @ ('b' | 'B')) => {
            scribe.at += 2;
            scribe.out.push_str(&format!("(?-u:\\{edge})"));
        }
        Some('A' | 'z') => scribe.copy(2),
        Some('p' | 'P') => property(scribe)?,
        Some('Q') => {
            scribe.at += 2;
            let length = scribe.rest().find("\\E");
            scribe.literal(length.unwrap_or(scribe.rest().len()));
            scribe.at += length.map_or(0, |_| 2);
        }
        _ => {
            let character = character(scribe)?;
            scribe.character(character);
        }
    }
    Ok(())
}

/// `\pL`, `\p{Greek}`, `\P{^Greek}`; the source stands at the backslash.
pub(super) fn property(scribe: &mut Scribe<'_>) -> Result<(), PatternError> {
    let start = scribe.at;
    scribe.at += 1;
    let mut negated = scribe.take() == Some('P');
    let name = match scribe.take() {
        Some('{') => {
            let Some((name, _)) = scribe.rest().split_once('}') else {
                return Err(scribe.refuse(start, "a class `\\p{` without its `}`"));
            };
            scribe.at += name.len() + 1;
            name.to_owned()
        }
        Some(letter) => letter.to_string(),
        None => return Err(scribe.refuse(start, "a class `\\p` without a name")),
    };
    let plain = name.strip_prefix('^').unwrap_or(&name);
    negated ^= plain.len() != name.len();
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(scribe.refuse(start, format!("`{name}` is no Unicode class")));
    }
    scribe
        .out
        .push_str(&format!("\\{}{{{plain}}}", if negated { 'P' } else { 'p' }));
    Ok(())
}

/// An escape that stands for one character, inside brackets or outside; the source stands at the backslash.
pub(super) fn character(scribe: &mut Scribe<'_>) -> Result<char, PatternError> {
    let start = scribe.at;
    scribe.at += 1;
    let Some(letter) = scribe.take() else {
        return Err(scribe.refuse(start, "a `\\` at the end"));
    };
    match letter {
        'a' => Ok('\x07'),
        'f' => Ok('\x0C'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\x0B'),
        'x' => hex(scribe, start),
        '0'..='7' => octal(scribe, start, letter),
        '8' | '9' => Err(scribe.refuse(start, "back-references are not in RE2")),
        'Z' => Err(scribe.refuse(start, "`\\Z` is not in RE2; the end of the text is `\\z` or `$`")),
        other if other.is_ascii_alphanumeric() || !other.is_ascii() => {
            Err(scribe.refuse(start, format!("`\\{other}` is not in RE2")))
        }
        punctuation => Ok(punctuation),
    }
}

/// `\x7F` and `\x{10FFFF}` after the `x`.
fn hex(scribe: &mut Scribe<'_>, start: usize) -> Result<char, PatternError> {
    let digits = match scribe.rest().strip_prefix('{') {
        Some(braced) => braced
            .split_once('}')
            .map(|(digits, _)| (digits, digits.len() + 2)),
        None => scribe.rest().get(..2).map(|digits| (digits, 2)),
    };
    let character = digits
        .filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|(digits, length)| {
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            Some((character, length))
        });
    let Some((character, length)) = character else {
        return Err(scribe.refuse(
            start,
            "`\\x` takes two hexadecimal digits, or `{…}` with a character's number",
        ));
    };
    scribe.at += length;
    Ok(character)
}

/// `\0`, `\12`, `\123`. A single `\1` to `\7` would be a back-reference.
fn octal(scribe: &mut Scribe<'_>, start: usize, first: char) -> Result<char, PatternError> {
    let more = scribe
        .rest()
        .bytes()
        .take(2)
        .take_while(|b| matches!(b, b'0'..=b'7'))
        .count();
    if first != '0' && more == 0 {
        return Err(scribe.refuse(start, "back-references are not in RE2"));
    }
    let mut value = first.to_digit(8).unwrap_or_default();
    for _ in 0..more {
        let digit = scribe
            .take()
            .and_then(|digit| digit.to_digit(8))
            .unwrap_or_default();
        value = value * 8 + digit;
    }
    char::from_u32(value).ok_or_else(|| scribe.refuse(start, "no such character"))
}
