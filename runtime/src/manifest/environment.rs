//! `${env:NAME}` and `${env:NAME:-default}` inside values.
//!
//! The form is the OpenTelemetry collector's, because the shell's bare `${NAME}` and `$1` already mean something in
//! regular expressions and relabel rules and are left alone. `$${env:NAME}` stands for the text `${env:NAME}`. As in the
//! shell, `:-` also replaces a variable that is set and empty. What a variable holds is never expanded again.

const OPEN: &str = "${env:";

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// The variable is not set and there is no default.
    #[error("environment variable `{0}` is not set")]
    Unset(String),
    /// What stands between `${env:` and `}` is no name.
    #[error("`{0}` is no name of an environment variable")]
    Name(String),
    /// `}` is missing.
    #[error("`${{env:` has no closing `}}`")]
    Unclosed,
}

impl ExpandError {
    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Unset(name) => format!("set it, or give a default: `${{env:{name}:-default}}`"),
            Self::Name(_) => "names are letters, digits and `_`, and do not begin with a digit".to_owned(),
            Self::Unclosed => "write `${env:NAME}`, or `$${env:` for the text itself".to_owned(),
        }
    }

    /// The text to point at.
    pub fn culprit(&self) -> String {
        match self {
            Self::Unset(name) | Self::Name(name) => format!("{OPEN}{name}"),
            Self::Unclosed => OPEN.to_owned(),
        }
    }
}

/// Expands `text`; `None` when there is nothing to expand.
///
/// # Errors
/// When a variable is not set and has no default, or the form is broken.
pub fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Option<String>, ExpandError> {
    if !text.contains(OPEN) {
        return Ok(None);
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, tail) = rest.split_at(at);
        let inner = &tail[OPEN.len()..];
        if let Some(literal) = before.strip_suffix('$') {
            expanded.push_str(literal);
            expanded.push_str(OPEN);
            rest = inner;
            continue;
        }
        expanded.push_str(before);
        let (reference, after) = inner.split_once('}').ok_or(ExpandError::Unclosed)?;
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_name(name) {
            return Err(ExpandError::Name(name.to_owned()));
        }
        match (variable(name), default) {
            (Some(value), Some(default)) if value.is_empty() => expanded.push_str(default),
            (Some(value), _) => expanded.push_str(&value),
            (None, Some(default)) => expanded.push_str(default),
            (None, None) => return Err(ExpandError::Unset(name.to_owned())),
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(Some(expanded))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_host(text: &str) -> Result<Option<String>, ExpandError> {
        expand(text, |name| match name {
            "HOST" => Some("loki".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${env:HOST}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_defaults_and_escapes() {
        for (text, expanded) in [
            ("http://${env:HOST}:3100", "http://loki:3100"),
            ("${env:HOST}${env:HOST}", "lokiloki"),
            ("${env:NONE:-3100}", "3100"),
            ("${env:NONE:-}", ""),
            ("${env:HOST:-other}", "loki"),
            ("${env:EMPTY:-other}", "other"),
            ("<${env:EMPTY}>", "<>"),
            ("$${env:HOST}", "${env:HOST}"),
            ("$$${env:HOST}", "$${env:HOST}"),
            ("${env:NESTED}", "${env:HOST}"),
            ("${1} $1 $$ ${env:HOST}", "${1} $1 $$ loki"),
        ] {
            assert_eq!(with_host(text), Ok(Some(expanded.to_owned())), "{text}");
        }
    }

    #[test]
    fn other_dollars_are_left_alone() {
        for text in ["", "^a$", "$1", "${1}", "${HOST}", "$$", "$ENV"] {
            assert_eq!(with_host(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, why) in [
            ("${env:NONE}", "environment variable `NONE` is not set"),
            ("${env:HOST", "`${env:` has no closing `}`"),
            ("${env:}", "`` is no name of an environment variable"),
            ("${env:1A}", "`1A` is no name of an environment variable"),
            ("${env:A B}", "`A B` is no name of an environment variable"),
        ] {
            assert_eq!(
                with_host(text).map_err(|error| error.to_string()),
                Err(why.to_owned()),
                "{text}"
            );
        }
    }
}
