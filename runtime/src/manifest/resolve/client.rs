//! Credentials, headers, TLS: the same keys in every section that speaks HTTP.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue};

use super::cursor::At;
use crate::manifest::document::{AuthorizationDocument, BasicAuthDocument, ClientDocument, TlsDocument};
use crate::transport::{Authorization, ClientSettings, Secret, TlsSettings};

/// Headers that belong to us: a sink that sent another body than it says would lose data.
const OURS: [&str; 6] = [
    "host",
    "content-type",
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "connection",
];

impl At<'_> {
    /// The client settings of the section here.
    pub fn client(&self, document: &ClientDocument<'_>) -> ClientSettings {
        ClientSettings {
            authorization: self.authorization(document),
            headers: self.headers(document.headers),
            tls: document
                .tls_config
                .map(|tls| self.key("tls_config").tls(tls))
                .unwrap_or_default(),
        }
    }

    fn authorization(&self, document: &ClientDocument<'_>) -> Option<Authorization> {
        let given: Vec<&str> = ["basic_auth", "bearer_token", "bearer_token_file", "authorization"]
            .into_iter()
            .filter(|key| self.key(key).is_written())
            .collect();
        if let [first, second, ..] = given.as_slice() {
            let message = format!("{} has both `{first}` and `{second}`", self.subject());
            self.key(second)
                .refuse_key(message, "a request carries one `Authorization`: keep one of them");
            return None;
        }
        if let Some(basic) = document.basic_auth {
            return self.key("basic_auth").basic(basic);
        }
        if let Some(authorization) = document.authorization {
            return self.key("authorization").bearer(authorization);
        }
        self.secret(
            ("bearer_token", document.bearer_token),
            ("bearer_token_file", document.bearer_token_file),
        )
        .map(Authorization::Bearer)
    }

    fn basic(&self, document: &BasicAuthDocument) -> Option<Authorization> {
        if self.key("username").is_missing() {
            self.refuse_key(
                format!("{} has no `username`", self.subject()),
                "add `username: …`",
            );
        }
        let password = self.secret(
            ("password", document.password.as_deref()),
            ("password_file", document.password_file.as_deref()),
        );
        if self.key("password").is_missing() && self.key("password_file").is_missing() {
            let fix = "add `password: \"${env:PASSWORD}\"` or `password_file: …`";
            self.refuse_key(format!("{} has no password", self.subject()), fix);
        }
        Some(Authorization::Basic {
            username: document.username.clone()?,
            password: password?,
        })
    }

    fn bearer(&self, document: &AuthorizationDocument) -> Option<Authorization> {
        let scheme = document.r#type.as_deref().unwrap_or("Bearer");
        if !scheme.eq_ignore_ascii_case("bearer") {
            let message = format!("{} cannot be `{scheme}`", self.key("type").subject());
            self.key("type").refuse(
                message,
                "only `Bearer`; for a name and a password there is `basic_auth`",
            );
        }
        let credentials = ("credentials", document.credentials.as_deref());
        let file = ("credentials_file", document.credentials_file.as_deref());
        if self.key(credentials.0).is_missing() && self.key(file.0).is_missing() {
            let fix = "add `credentials: \"${env:TOKEN}\"` or `credentials_file: …`";
            self.refuse_key(format!("{} has no credentials", self.subject()), fix);
        }
        self.secret(credentials, file).map(Authorization::Bearer)
    }

    /// A secret given inline or as a file, not both.
    fn secret(&self, inline: (&str, Option<&str>), file: (&str, Option<&str>)) -> Option<Secret> {
        match (inline.1, file.1) {
            (Some(_), Some(_)) => {
                let message = format!("{} has both `{}` and `{}`", self.subject(), inline.0, file.0);
                self.key(file.0).refuse_key(message, "keep one of them");
                None
            }
            (Some(text), None) => Some(Secret::Inline(text.to_owned())),
            (None, Some(_)) => self.file(file.0, file.1).map(Secret::File),
            (None, None) => None,
        }
    }

    /// A file's path under `key`, from the manifest's folder.
    pub fn file(&self, key: &str, path: Option<&str>) -> Option<PathBuf> {
        let path = path?;
        let at = self.key(key);
        if path.is_empty() {
            at.refuse(
                format!("{} is empty", at.subject()),
                "write the file's path, or leave it away",
            );
        }
        Some(at.path(path))
    }

    fn headers(&self, headers: Option<&BTreeMap<String, String>>) -> BTreeMap<String, Secret> {
        let at = self.key("headers");
        let mut resolved = BTreeMap::new();
        for (name, value) in headers.into_iter().flatten() {
            let header = at.key(name);
            let lower = name.to_ascii_lowercase();
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                let message = format!("`{name}` is no header name, in {}", at.subject());
                header.refuse_key(message, "header names are letters, digits and `-`");
            } else if lower == "authorization" {
                let message = format!("{} holds `{name}`", at.subject());
                header.refuse_key(message, "use `basic_auth`, `bearer_token` or `authorization`");
            } else if OURS.contains(&lower.as_str()) {
                let message = format!("{} holds `{name}`, which Millstream sets itself", at.subject());
                header.refuse_key(message, "leave it away");
            }
            if HeaderValue::from_str(value).is_err() {
                let message = format!("the value of header `{name}` holds characters a header cannot");
                header.refuse(message, "a header's value is one line without control characters");
            }
            resolved.insert(name.clone(), Secret::Inline(value.clone()));
        }
        resolved
    }

    fn tls(&self, document: &TlsDocument) -> TlsSettings {
        for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
            if self.key(one).is_written() && self.key(other).is_missing() {
                let message = format!("{} has a `{one}` but no `{other}`", self.subject());
                self.key(one).refuse_key(message, format!("add `{other}: …`"));
            }
        }
        TlsSettings {
            ca_file: self.file("ca_file", document.ca_file.as_deref()),
            cert_file: self.file("cert_file", document.cert_file.as_deref()),
            key_file: self.file("key_file", document.key_file.as_deref()),
            server_name: document.server_name.clone(),
            insecure_skip_verify: document.insecure_skip_verify.unwrap_or(false),
        }
    }
}
