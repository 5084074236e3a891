//! The name of an image in an OCI registry.

use std::fmt;

use thiserror::Error;
use url::Url;

/// An image: a registry, a repository in it, and a tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    registry: String,
    repository: String,
    reference: String,
}

/// A text that names no image.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImageError {
    /// The registry is missing: there is none by default.
    #[error("it does not begin with a registry's host")]
    Registry,
    /// The repository.
    #[error("a repository's name is lower-case letters, digits and `.`, `_`, `-`, `/`")]
    Repository,
    /// The tag or digest.
    #[error("it ends in neither a tag nor a digest")]
    Reference,
}

impl Image {
    /// Reads `registry/repository:tag` or `registry/repository@sha256:…`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let text = text.trim();
        let (registry, rest) = text.split_once('/').ok_or(ImageError::Registry)?;
        // As Docker tells a host from a user's name.
        let is_host = registry.contains(['.', ':']) || registry == "localhost";
        let plain = Url::parse(&format!("https://{registry}/"))
            .is_ok_and(|url| url.username().is_empty() && url.password().is_none() && url.path() == "/");
        if !is_host || !plain || registry.contains(['@', '?', '#', '\\']) || registry.ends_with(':') {
            return Err(ImageError::Registry);
        }
        let (repository, reference, good) = match rest.split_once('@') {
            Some((repository, digest)) => {
                let good = digest.strip_prefix("sha256:").is_some_and(super::is_sha256);
                (repository, digest, good)
            }
            None => {
                let (repository, tag) = rest.rsplit_once(':').ok_or(ImageError::Reference)?;
                (repository, tag, is_tag(tag))
            }
        };
        if !good {
            return Err(ImageError::Reference);
        }
        if !repository.split('/').all(is_component) {
            return Err(ImageError::Repository);
        }
        Ok(Self {
            registry: registry.into(),
            repository: repository.into(),
            reference: reference.into(),
        })
    }

    /// The registry's host, and port if it has one.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, or the digest with `sha256:` before it.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The digest of its manifest, in hex, if that is what it is named by.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.reference.strip_prefix("sha256:")
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.digest().is_some() { '@' } else { ':' };
        write!(f, "{}/{}{mark}{}", self.registry, self.repository, self.reference)
    }
}

fn is_tag(tag: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&tag.len()) && !tag.starts_with(['.', '-']) && tag.bytes().all(legal)
}

fn is_component(component: &str) -> bool {
    let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    component.starts_with(|c: char| c.is_ascii_alphanumeric()) && component.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_and_shown() {
        let digest = format!("ghcr.io/a/b@sha256:{}", "a1".repeat(32));
        for text in [
            "ghcr.io/example/redact:1.0.0",
            "localhost/x:y",
            "127.0.0.1:5000/a/b-c/d_e:latest",
            &digest,
        ] {
            assert_eq!(
                Image::parse(text).map(|image| image.to_string()),
                Ok(text.to_owned())
            );
        }
        let image = Image::parse("localhost:5000/a/b:1").unwrap();
        assert_eq!(
            (
                image.registry(),
                image.repository(),
                image.reference(),
                image.digest()
            ),
            ("localhost:5000", "a/b", "1", None)
        );
        assert_eq!(Image::parse(&digest).unwrap().digest(), Some(&*"a1".repeat(32)));
    }

    #[test]
    fn other_texts_are_refused() {
        use ImageError::{Reference, Registry, Repository};
        for (text, error) in [
            ("redact:1", Registry),
            ("example/redact:1", Registry),
            ("https://ghcr.io/a:1", Registry),
            ("user@host.io/a:1", Registry),
            ("host.io?x=/a:1", Registry),
            ("host.io/a", Reference),
            ("host.io/a:", Reference),
            ("host.io/a:b/c", Reference),
            ("host.io/a@sha256:12", Reference),
            ("host.io/A:1", Repository),
            ("host.io/../a:1", Repository),
            ("host.io/a//b:1", Repository),
        ] {
            assert_eq!(Image::parse(text), Err(error), "{text}");
        }
    }
}
