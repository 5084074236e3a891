//! Settings from the manifest's JSON, with refusals that name the setting.
//!
//! serde knows what went wrong, `serde_path_to_error` knows where; neither speaks of settings. The wording is
//! changed here so that whoever wrote the manifest reads about their words and not about Rust's.

use serde::de::DeserializeOwned;

use crate::Refusal;

#[cfg(test)]
mod tests;

/// Reads settings; `null` and nothing mean no settings given.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    let json = match json.trim() {
        "" | "null" => "{}",
        given => given,
    };
    let mut reader = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        reword(&path, &without_position(&error.into_inner().to_string()))
    })
}

/// serde_json counts lines and columns of the JSON, which nobody has seen.
fn without_position(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message.to_owned(),
    }
}

fn reword(path: &str, message: &str) -> Refusal {
    if let Some((name, rest)) = quoted_after(message, "unknown field `") {
        let allowed = rest.strip_prefix(", ").unwrap_or(rest);
        let allowed = match allowed {
            "there are no fields" => "there are no settings",
            other => other,
        };
        return Refusal::new(format!("unknown setting `{}`: {allowed}", join(path, name)));
    }
    if let Some((name, _)) = quoted_after(message, "missing field `") {
        return Refusal::new(format!("missing setting `{}`", join(path, name)));
    }
    if let Some((name, _)) = quoted_after(message, "duplicate field `") {
        return Refusal::new(format!("setting `{}` is given twice", join(path, name)));
    }
    let message = message
        .replace("unknown variant", "unknown value")
        .replace("invalid type: ", "got ")
        .replace("invalid value: ", "got ");
    if path == "." {
        Refusal::new(message)
    } else {
        Refusal::setting(path, message)
    }
}

fn quoted_after<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(prefix)?.split_once('`')
}

/// The path of `name`, whether or not the path of the error already ends in it.
fn join(path: &str, name: &str) -> String {
    if path == "." {
        return name.to_owned();
    }
    if path == name || path.ends_with(&format!(".{name}")) {
        return path.to_owned();
    }
    format!("{path}.{name}")
}
