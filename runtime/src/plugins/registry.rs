//! Pulling a component from an OCI registry: its manifest, then the layer that is the component.
//!
//! A registry that wants to know who asks says so with 401 and a challenge. `Basic` is answered with the settings'
//! credentials. `Bearer` names where a token is given, to anybody for what is public; the settings' name and password go
//! there too, as Docker does it, for that is where they are known.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use reqwest::Response;
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use super::fetch::{Credentials, FetchError, Getter, body, most, successful};
use super::{Image, is_loopback, sha256};
use crate::transport::{Authorization, ClientSettings, TlsSettings};

/// The largest manifest and the largest answer with a token; the specification asks registries to take 4 MiB.
const MANIFEST: usize = 4 << 20;

/// What a manifest is asked for as.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json";

/// What layers are called that are components: today, and by the first tools.
const WASM: [&str; 3] = [
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.module.wasm.content.layer.v1+wasm",
];

/// Why a component could not be pulled.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// A request.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An address that cannot be made or is not safe.
    #[error("the registry names {0} as where tokens are given, which is not https")]
    Realm(String),
    /// It wants credentials that the manifest does not give, or other ones.
    #[error("the registry wants credentials: `basic_auth` or `bearer_token`")]
    Credentials,
    /// What came is not what a registry sends.
    #[error("the registry's {what} cannot be understood")]
    Malformed {
        /// What came.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The token is none.
    #[error("the registry gives no token")]
    Token,
    /// The manifest is not the one that was named.
    #[error("the image's manifest has the digest sha256:{0}, which is not the one named")]
    Digest(String),
    /// It is an image of something else.
    #[error("the image holds no layer that is a component (application/wasm)")]
    NoComponent,
    /// It is another component.
    #[error("the image holds a component with the digest {found}, and the manifest says sha256:{expected}")]
    Other {
        /// What it holds.
        found: String,
        /// What was wanted.
        expected: String,
    },
    /// A URL cannot be made of the image's name.
    #[error("the image's name makes no URL")]
    Name(#[source] url::ParseError),
}

#[derive(Deserialize)]
struct ImageManifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Pulls the component with this sha256 from an image.
pub(super) async fn pull(
    image: &Image,
    settings: &ClientSettings,
    wanted: &str,
) -> Result<Vec<u8>, RegistryError> {
    let mut session = Session {
        getter: Getter::new(settings)?,
        settings,
        token: None,
        signs: matches!(settings.authorization, Some(Authorization::Bearer(_))),
    };
    let base = base(image, settings)?;
    let url = at(&base, image, "manifests", image.reference())?;
    let manifest = body(session.get(&url, Some(ACCEPT), image).await?, MANIFEST).await?;
    let digest = sha256(&manifest);
    if image.digest().is_some_and(|named| named != digest) {
        return Err(RegistryError::Digest(digest));
    }
    let manifest: ImageManifest =
        serde_json::from_slice(&manifest).map_err(|source| RegistryError::Malformed {
            what: "manifest",
            source,
        })?;
    let mut components = manifest
        .layers
        .iter()
        .filter(|layer| WASM.contains(&layer.media_type.as_str()));
    let first = components.clone().next().ok_or(RegistryError::NoComponent)?;
    let digest = format!("sha256:{wanted}");
    if !components.any(|layer| layer.digest == digest) {
        return Err(RegistryError::Other {
            found: first.digest.chars().take(80).collect(),
            expected: wanted.into(),
        });
    }
    let url = at(&base, image, "blobs", &digest)?;
    Ok(body(session.get(&url, None, image).await?, most()).await?)
}

/// Where a registry is: over TLS, but for one on this machine that nothing about TLS is said for.
fn base(image: &Image, settings: &ClientSettings) -> Result<Url, RegistryError> {
    let url =
        |scheme: &str| Url::parse(&format!("{scheme}://{}/", image.registry())).map_err(RegistryError::Name);
    let clear = url("http")?;
    if is_loopback(&clear) && settings.tls == TlsSettings::default() {
        Ok(clear)
    } else {
        url("https")
    }
}

fn at(base: &Url, image: &Image, kind: &str, reference: &str) -> Result<Url, RegistryError> {
    base.join(&format!("/v2/{}/{kind}/{reference}", image.repository()))
        .map_err(RegistryError::Name)
}

/// Requests to one registry, with the token it gave.
struct Session<'a> {
    getter: Getter<'a>,
    settings: &'a ClientSettings,
    token: Option<HeaderValue>,
    /// Whether requests carry the settings' credentials.
    signs: bool,
}

impl Session<'_> {
    /// The answer, for which it says who it is when it is asked.
    async fn get(
        &mut self,
        url: &Url,
        accept: Option<&'static str>,
        image: &Image,
    ) -> Result<Response, RegistryError> {
        let answer = self.getter.get(url, accept, self.credentials()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || self.token.is_some() || self.signs {
            return told(answer, url);
        }
        let challenge = answer.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match Challenge::read(challenge) {
            Some(Challenge::Bearer { realm, service }) => {
                self.token = Some(self.token(&realm, service.as_deref(), image).await?);
            }
            Some(Challenge::Basic) if self.settings.authorization.is_some() => self.signs = true,
            _ => return Err(RegistryError::Credentials),
        }
        let answer = self.getter.get(url, accept, self.credentials()).await?;
        told(answer, url)
    }

    fn credentials(&self) -> Credentials<'_> {
        match &self.token {
            Some(token) => Credentials::Token(token),
            None if self.signs => Credentials::Settings,
            None => Credentials::None,
        }
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        image: &Image,
    ) -> Result<HeaderValue, RegistryError> {
        let unsafe_realm = || RegistryError::Realm(realm.chars().take(200).collect());
        let mut url = Url::parse(realm).map_err(|_| unsafe_realm())?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(unsafe_realm());
        }
        let scope = format!("repository:{}:pull", image.repository());
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .append_pair("scope", &scope);
        let credentials = match self.settings.authorization {
            Some(Authorization::Basic { .. }) => Credentials::Settings,
            _ => Credentials::None,
        };
        let answer = self.getter.get(&url, None, credentials).await?;
        let answer = body(told(answer, &url)?, MANIFEST).await?;
        let answer: TokenAnswer =
            serde_json::from_slice(&answer).map_err(|source| RegistryError::Malformed {
                what: "token",
                source,
            })?;
        let token = answer.token.or(answer.access_token).ok_or(RegistryError::Token)?;
        let mut token = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| RegistryError::Token)?;
        token.set_sensitive(true);
        Ok(token)
    }
}

/// An answer that is not a no; a no to who we are is said so.
fn told(answer: Response, url: &Url) -> Result<Response, RegistryError> {
    match answer.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RegistryError::Credentials),
        _ => Ok(successful(answer, url)?),
    }
}

/// How a registry wants to be told who asks.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        let mut rest = rest;
        while let Some((name, after)) = rest.split_once('=') {
            let (value, behind) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            match name.trim_matches([' ', ',']) {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                _ => {}
            }
            rest = behind;
        }
        Some(Self::Bearer {
            realm: realm?,
            service,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(str::to_owned),
            })
        };
        for (text, read) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth.io/token\",service=\"reg.io\",scope=\"repository:a,b:pull\"",
                bearer("https://auth.io/token", Some("reg.io")),
            ),
            (
                "bearer scope=\"a\", realm=https://a/t , service=b",
                bearer("https://a/t ", Some("b")),
            ),
            ("Bearer service=\"x\"", None),
            ("Bearer realm=\"open", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::read(text), read, "{text}");
        }
    }
}
