//! What a request carries after `authorize`.

use std::error::Error as _;

use reqwest::Request;

use super::*;
use crate::transport::Secret;

fn builder(url: &str) -> RequestBuilder {
    client(&ClientSettings::default(), Duration::from_secs(1))
        .unwrap()
        .post(url)
}

fn authorized(settings: &ClientSettings) -> Request {
    let builder = builder("http://url-user:url-password@loki/push").header(CONTENT_TYPE, "ours");
    authorize(builder, settings).unwrap().build().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::Inline(text.to_owned())
}

fn sent<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    request
        .headers()
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

#[test]
fn basic_credentials_replace_the_urls() {
    let authorization = Authorization::Basic {
        username: "me".to_owned(),
        password: secret("hunter2"),
    };
    let request = authorized(&ClientSettings {
        authorization: Some(authorization),
        ..ClientSettings::default()
    });
    assert_eq!(sent(&request, "authorization"), ["Basic bWU6aHVudGVyMg=="]);
}

#[test]
fn the_urls_credentials_count_otherwise() {
    let request = authorized(&ClientSettings::default());
    assert_eq!(
        sent(&request, "authorization"),
        ["Basic dXJsLXVzZXI6dXJsLXBhc3N3b3Jk"]
    );
}

#[test]
fn a_bearer_token_is_read_from_its_file_each_time() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let authorization = Some(Authorization::Bearer(Secret::File(file.path().to_owned())));
    let settings = ClientSettings {
        authorization,
        ..ClientSettings::default()
    };
    for token in ["one", "two"] {
        std::fs::write(file.path(), format!("{token}\n")).unwrap();
        assert_eq!(
            sent(&authorized(&settings), "authorization"),
            [format!("Bearer {token}")]
        );
    }
}

#[test]
fn headers_are_added_but_ours_stay() {
    let headers = [
        ("X-Team", "shop"),
        ("content-type", "theirs"),
        ("X-Scope-OrgID", "theirs"),
        ("User-Agent", "x"),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), secret(value)))
        .into();
    let request = authorized(&ClientSettings {
        headers,
        ..ClientSettings::default()
    });
    assert_eq!(sent(&request, "x-team"), ["shop"]);
    assert_eq!(sent(&request, "content-type"), ["ours"]);
    assert!(sent(&request, "x-scope-orgid").is_empty());
    assert!(
        sent(&request, "user-agent").is_empty(),
        "the client's own is added when the request is sent"
    );
}

#[test]
fn secrets_show_in_no_debug_and_no_error() {
    let headers = [("X-Key".to_owned(), secret("hunter2"))].into();
    let authorization = Some(Authorization::Bearer(secret("hunter2")));
    let settings = ClientSettings {
        headers,
        authorization,
        ..ClientSettings::default()
    };
    let builder = builder("http://loki/push");
    let request = authorize(builder, &settings).unwrap().build().unwrap();
    assert!(!format!("{settings:?} {request:?}").contains("hunter2"));

    let headers = [("X-Key".to_owned(), secret("hunter2\n"))].into();
    let broken = ClientSettings {
        headers,
        ..ClientSettings::default()
    };
    let error = authorize(self::builder("http://loki/push"), &broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the value of header "X-Key" has a character that headers cannot have"#
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_missing_secret_is_an_error_that_names_the_file() {
    let authorization = Some(Authorization::Bearer(Secret::File("/nowhere/token".into())));
    let settings = ClientSettings {
        authorization,
        ..ClientSettings::default()
    };
    let error = authorize(builder("http://loki/push"), &settings).unwrap_err();
    assert_eq!(error.to_string(), "signing in");
    assert_eq!(
        error.source().unwrap().to_string(),
        "reading the secret in /nowhere/token"
    );
}
