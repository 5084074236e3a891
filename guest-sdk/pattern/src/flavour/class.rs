//! Bracket expressions. RE2 knows no set operations and no nested brackets: every `[`, `&`, `~` inside is itself.

use super::{Scribe, escape};
use crate::error::PatternError;

/// `[…]`; the source stands at the `[`.
pub(super) fn bracket(scribe: &mut Scribe<'_>) -> Result<(), PatternError> {
    let start = scribe.at;
    scribe.copy(1);
    if scribe.peek() == Some('^') {
        scribe.copy(1);
    }
    let mut first = true;
    loop {
        match scribe.peek() {
            None => return Err(scribe.refuse(start, "a `[` without its `]`")),
            Some(']') if !first => break,
            Some('[') if posix(scribe)? => {}
            Some('\\') if class_escape(scribe)? => {}
            Some(_) => range(scribe)?,
        }
        first = false;
    }
    scribe.copy(1);
    Ok(())
}

/// `[:alpha:]`, `[:^alpha:]`: whether one stood here.
fn posix(scribe: &mut Scribe<'_>) -> Result<bool, PatternError> {
    let Some((name, _)) = scribe
        .rest()
        .strip_prefix("[:")
        .and_then(|inside| inside.split_once(":]"))
    else {
        return Ok(false);
    };
    let known = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    if !known.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(scribe.refuse(scribe.at, format!("`[:{name}:]` is no character class")));
    }
    scribe.copy(name.len() + 4);
    Ok(true)
}

/// `\d`, `\pL` and their like: whether one stood here.
fn class_escape(scribe: &mut Scribe<'_>) -> Result<bool, PatternError> {
    match scribe.rest().chars().nth(1) {
        Some('p' | 'P') => escape::property(scribe)?,
        Some(letter) => {
            let Some(inside) = escape::perl(letter) else {
                return Ok(false);
            };
            scribe.at += 2;
            if letter.is_ascii_uppercase() {
                scribe.out.push_str(&format!("[^{inside}]"));
            } else {
                scribe.out.push_str(inside);
            }
        }
        None => return Ok(false),
    }
    Ok(true)
}

/// One character, or two with a `-` between them.
fn range(scribe: &mut Scribe<'_>) -> Result<(), PatternError> {
    let start = scribe.at;
    let low = character(scribe)?;
    let is_range = scribe
        .rest()
        .strip_prefix('-')
        .is_some_and(|after| !after.is_empty() && !after.starts_with(']'));
    if !is_range {
        scribe.character(low);
        return Ok(());
    }
    scribe.at += 1;
    let high = character(scribe)?;
    if high < low {
        return Err(scribe.refuse(start, format!("the range `{low}-{high}` runs backwards")));
    }
    scribe.character(low);
    scribe.out.push('-');
    scribe.character(high);
    Ok(())
}

fn character(scribe: &mut Scribe<'_>) -> Result<char, PatternError> {
    if scribe.peek() == Some('\\') {
        return escape::character(scribe);
    }
    scribe
        .take()
        .ok_or_else(|| scribe.refuse(scribe.at, "a `[` without its `]`"))
}
