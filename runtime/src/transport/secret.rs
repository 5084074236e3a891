//! A text that must never be shown.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// A password or token: given inline or read from a file at every use. Its text never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Given in the manifest (better through `${env:NAME}`).
    Inline(String),
    /// Read from this file each time, so that a rotated secret is taken up.
    File(PathBuf),
}

/// A secret's file cannot be read.
#[derive(Debug, Error)]
#[error("reading the secret in {}", path.display())]
pub struct SecretError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

impl Secret {
    /// The text, without the white space around a file's (editors and `echo` end files with a newline).
    ///
    /// Reads on the calling thread: secrets are a few bytes, read once per request.
    ///
    /// # Errors
    /// When the file cannot be read or is not UTF-8.
    pub fn read(&self) -> Result<String, SecretError> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(text.trim().to_owned()),
                Err(source) => Err(SecretError {
                    path: path.clone(),
                    source,
                }),
            },
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("<secret>"),
            Self::File(path) => write!(f, "<secret in {}>", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_each_time_and_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let secret = Secret::File(file.path().to_owned());
        std::fs::write(file.path(), "one\n").unwrap();
        assert_eq!(secret.read().unwrap(), "one");
        std::fs::write(file.path(), "two\r\n").unwrap();
        assert_eq!(secret.read().unwrap(), "two");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Secret::File("/nowhere/token".into()).read().unwrap_err();
        assert_eq!(error.to_string(), "reading the secret in /nowhere/token");
    }

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(format!("{:?}", Secret::Inline("hunter2".to_owned())), "<secret>");
    }
}
