//! Fetching from servers on threads: in the clear on this machine, over TLS, and a registry.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use millstream_plugin_host::Grants;
use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::manifest::{OnError, Place, RecycleEntry};
use crate::transport::tls::tests::Authority;
use crate::transport::{Authorization, ClientSettings, Secret};

const WASM: &[u8] = b"as good as a component";

/// What a server answers to a request's head: status, further headers, body.
type Answers<'a> = dyn Fn(&str) -> (u16, String, Vec<u8>) + 'a;

/// A server that answers one request per connection and keeps their heads.
struct Server {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(
        tls: Option<Arc<ServerConfig>>,
        answers: impl Fn(u16, &str) -> (u16, String, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        std::thread::spawn(move || {
            let answers = |head: &str| answers(port, head);
            for connection in listener.incoming().map_while(Result::ok) {
                match &tls {
                    None => answer(connection, &answers, &kept),
                    Some(config) => {
                        let connection =
                            StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), connection);
                        answer(connection, &answers, &kept);
                    }
                }
            }
        });
        Self { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }
}

/// Answers one request, which a client may break off.
fn answer(mut connection: impl Read + Write, answers: &Answers<'_>, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let (status, headers, body) = answers(&head);
    let _ = write!(
        connection,
        "HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = connection.write_all(&body);
    let _ = connection.flush();
}

fn tls(authority: &Authority, name: &str) -> Arc<ServerConfig> {
    let (certificate, key) = authority.issue(name);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        );
    Arc::new(config.unwrap())
}

fn entry(origin: PluginOrigin, sha256: &str) -> PluginEntry {
    PluginEntry {
        origin,
        sha256: Some(sha256.into()),
        memory: 1 << 20,
        timeout: std::time::Duration::from_secs(1),
        output: 16,
        log_rate: 20,
        grants: Grants::default(),
        on_error: OnError::default(),
        recycle: RecycleEntry {
            memory: 1 << 20,
            calls: None,
        },
        place: Place {
            line: 1,
            column: 1,
            width: 1,
        },
    }
}

fn get(origin: PluginOrigin, sha256: &str, storage: &Path) -> Result<Source, String> {
    let component = component("p", &entry(origin, sha256), &Library::new(storage));
    match component {
        Ok(component) => {
            assert_eq!(component.wasm, WASM);
            Ok(component.source)
        }
        Err(error) => Err(words(&error)),
    }
}

fn words(mut error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    while let Some(source) = error.source() {
        text = format!("{text}: {source}");
        error = source;
    }
    text
}

fn url(url: Url) -> PluginOrigin {
    PluginOrigin::Url(url, ClientSettings::default())
}

fn basic() -> ClientSettings {
    ClientSettings {
        authorization: Some(Authorization::Basic {
            username: "me".into(),
            password: Secret::Inline("hunter2".into()),
        }),
        ..ClientSettings::default()
    }
}

fn ok(body: &[u8]) -> (u16, String, Vec<u8>) {
    (200, String::new(), body.to_vec())
}

#[test]
fn a_component_is_fetched_once_and_then_needs_no_network() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::start(None, |_, _| ok(WASM));
    let right = sha256(WASM);
    let origin = url(server.url("/a.wasm"));
    assert_eq!(get(origin.clone(), &right, storage.path()), Ok(Source::Fetched));
    assert_eq!(get(origin.clone(), &right, storage.path()), Ok(Source::Stored));
    assert_eq!(server.heads().len(), 1);
    // Nobody listens on port 1.
    let gone = url(Url::parse("http://127.0.0.1:1/a.wasm").unwrap());
    assert_eq!(get(gone.clone(), &right, storage.path()), Ok(Source::Stored));
    fs::write(Library::new(storage.path()).path(&right), "damaged").unwrap();
    let error = get(gone, &right, storage.path()).unwrap_err();
    assert!(
        error.starts_with("cannot fetch http://127.0.0.1:1/a.wasm: no whole answer from"),
        "{error}"
    );
    assert_eq!(
        get(origin, &right, storage.path()),
        Ok(Source::Fetched),
        "a damaged one is fetched again"
    );
}

#[test]
fn another_component_is_neither_used_nor_stored() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::start(None, |_, _| ok(WASM));
    let wrong = "ab".repeat(32);
    let error = get(url(server.url("/a.wasm")), &wrong, storage.path()).unwrap_err();
    assert_eq!(
        error,
        format!("its sha256 is {}, and the manifest says {wrong}", sha256(WASM))
    );
    assert!(!storage.path().join("plugins").exists());
    let file = storage.path().join("a.wasm");
    fs::write(&file, WASM).unwrap();
    let error = get(PluginOrigin::File(file.clone()), &wrong, storage.path()).unwrap_err();
    assert!(error.starts_with("its sha256 is"), "{error}");
    assert_eq!(
        get(PluginOrigin::File(file), &sha256(WASM), storage.path()),
        Ok(Source::File)
    );
}

#[test]
fn a_server_that_says_no_is_named_without_its_query() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::start(None, |_, _| (404, String::new(), Vec::new()));
    let error = get(
        url(server.url("/a.wasm?token=hunter2")),
        &sha256(WASM),
        storage.path(),
    )
    .unwrap_err();
    assert!(
        error.ends_with("/a.wasm answers 404 Not Found") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn over_tls_a_ca_file_says_whom_to_trust() {
    let storage = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let server = Server::start(Some(tls(&authority, "localhost")), |_, _| ok(WASM));
    let at = Url::parse(&format!("https://localhost:{}/a.wasm", server.port)).unwrap();
    let ca_file = storage.path().join("ca.pem");
    fs::write(&ca_file, authority.pem()).unwrap();
    let mut settings = ClientSettings::default();
    let error = get(
        PluginOrigin::Url(at.clone(), settings.clone()),
        &sha256(WASM),
        storage.path(),
    )
    .unwrap_err();
    assert!(
        error.contains("no whole answer") && error.contains("certificate"),
        "{error}"
    );
    settings.tls.ca_file = Some(ca_file);
    assert_eq!(
        get(PluginOrigin::Url(at, settings), &sha256(WASM), storage.path()),
        Ok(Source::Fetched)
    );
}

#[test]
fn redirects_are_followed_but_never_to_plain_http() {
    let storage = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca_file = storage.path().join("ca.pem");
    fs::write(&ca_file, authority.pem()).unwrap();
    let mut settings = basic();
    settings.tls.ca_file = Some(ca_file);
    let plain = Server::start(None, |_, _| ok(WASM));
    let to_plain = plain.url("/a.wasm");
    let server = Server::start(Some(tls(&authority, "localhost")), move |_, head| {
        let location = |to: &str| (302, format!("location: {to}\r\n"), Vec::new());
        match head.split(' ').nth(1).unwrap() {
            "/near" => location("/a.wasm"),
            "/down" => location(to_plain.as_str()),
            "/round" => location("/round"),
            "/nowhere" => (302, String::new(), Vec::new()),
            _ => ok(WASM),
        }
    });
    let get = |path: &str| {
        let at = Url::parse(&format!("https://localhost:{}{path}", server.port)).unwrap();
        let library = tempfile::tempdir().unwrap();
        get(
            PluginOrigin::Url(at, settings.clone()),
            &sha256(WASM),
            library.path(),
        )
    };
    assert_eq!(get("/near"), Ok(Source::Fetched));
    for (path, says) in [
        ("/down", "which is not https"),
        ("/round", "redirects more than 5 times"),
        ("/nowhere", "redirects to no URL"),
    ] {
        let error = get(path).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    assert!(plain.heads().is_empty(), "the plain server was not spoken to");
}

#[test]
fn credentials_stay_with_the_first_host() {
    let storage = tempfile::tempdir().unwrap();
    let store = Server::start(None, |_, _| ok(WASM));
    let away = store.url("/blob");
    let server = Server::start(None, move |_, _| {
        (307, format!("location: {away}\r\n"), Vec::new())
    });
    let origin = PluginOrigin::Url(server.url("/a.wasm"), basic());
    assert_eq!(get(origin, &sha256(WASM), storage.path()), Ok(Source::Fetched));
    let signed = |heads: Vec<String>| heads[0].to_ascii_lowercase().contains("authorization: basic");
    assert!(signed(server.heads()) && !signed(store.heads()));
}

#[test]
fn a_body_without_end_is_cut_off() {
    let server = Server::start(None, |_, _| ok(&[0; 100_000]));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let settings = ClientSettings::default();
    let (at, fetched) = (server.url("/"), |most| {
        let (settings, server) = (&settings, &server);
        async move {
            let getter = fetch::Getter::new(settings).unwrap();
            let answer = getter
                .get(&server.url("/"), None, fetch::Credentials::None)
                .await
                .unwrap();
            fetch::body(answer, most).await
        }
    });
    assert_eq!(runtime.block_on(fetched(100_000)).unwrap().len(), 100_000);
    let error = runtime.block_on(fetched(99_999)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{} sends more than 99999 bytes", crate::transport::shown(&at))
    );
}

/// A registry with one image: public, or for who has a token, which `me` with a password gets.
fn registry(private: bool, media_type: &'static str) -> Server {
    Server::start(None, move |port, head| {
        let path = head.split(' ').nth(1).unwrap();
        let lower = head.to_ascii_lowercase();
        if let Some(query) = path.strip_prefix("/token?") {
            assert_eq!(query, "service=test&scope=repository%3Aexample%2Fredact%3Apull");
            let known = lower.contains("authorization: basic bwu6ahvudgvymg==");
            return if known || !private {
                ok(br#"{"token":"t0ken"}"#)
            } else {
                (401, String::new(), Vec::new())
            };
        }
        if !lower.contains("authorization: bearer t0ken") {
            let challenge = format!(
                "www-authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"test\"\r\n"
            );
            return (401, challenge, Vec::new());
        }
        let manifest = manifest(media_type);
        let by_digest = format!(
            "/v2/example/redact/manifests/sha256:{}",
            sha256(manifest.as_bytes())
        );
        let blob = format!("/v2/example/redact/blobs/sha256:{}", sha256(WASM));
        match path {
            "/v2/example/redact/manifests/1.0.0" => ok(manifest.as_bytes()),
            path if path == by_digest => ok(manifest.as_bytes()),
            "/v2/example/redact/blobs/elsewhere" => ok(WASM),
            path if path == blob => (
                307,
                "location: /v2/example/redact/blobs/elsewhere\r\n".into(),
                Vec::new(),
            ),
            _ => (404, String::new(), Vec::new()),
        }
    })
}

fn manifest(media_type: &str) -> String {
    let layer = |media_type: &str, bytes: &[u8]| serde_json::json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() });
    serde_json::json!({
        "schemaVersion": 2,
        "config": layer("application/vnd.wasm.config.v0+json", b"{}"),
        "layers": [layer("text/plain", b"readme"), layer(media_type, WASM)],
    })
    .to_string()
}

fn image(server: &Server, reference: &str, settings: ClientSettings) -> PluginOrigin {
    let image = Image::parse(&format!("127.0.0.1:{}/example/redact{reference}", server.port));
    PluginOrigin::Image(image.unwrap(), settings)
}

#[test]
fn an_image_is_pulled_by_tag_and_by_digest() {
    let server = registry(false, "application/wasm");
    let digest = format!("@sha256:{}", sha256(manifest("application/wasm").as_bytes()));
    for reference in [":1.0.0", &digest] {
        let storage = tempfile::tempdir().unwrap();
        let origin = image(&server, reference, ClientSettings::default());
        assert_eq!(
            get(origin.clone(), &sha256(WASM), storage.path()),
            Ok(Source::Fetched),
            "{reference}"
        );
        let before = server.heads().len();
        assert_eq!(get(origin, &sha256(WASM), storage.path()), Ok(Source::Stored));
        assert_eq!(server.heads().len(), before);
    }
}

#[test]
fn a_private_image_is_pulled_by_who_may() {
    let server = registry(true, "application/wasm");
    let storage = tempfile::tempdir().unwrap();
    let error = get(
        image(&server, ":1.0.0", ClientSettings::default()),
        &sha256(WASM),
        storage.path(),
    )
    .unwrap_err();
    assert!(
        error.ends_with("the registry wants credentials: `basic_auth` or `bearer_token`"),
        "{error}"
    );
    assert_eq!(
        get(image(&server, ":1.0.0", basic()), &sha256(WASM), storage.path()),
        Ok(Source::Fetched)
    );
    let bearer = ClientSettings {
        authorization: Some(Authorization::Bearer(Secret::Inline("t0ken".into()))),
        headers: BTreeMap::new(),
        ..ClientSettings::default()
    };
    let storage = tempfile::tempdir().unwrap();
    assert_eq!(
        get(image(&server, ":1.0.0", bearer), &sha256(WASM), storage.path()),
        Ok(Source::Fetched)
    );
}

#[test]
fn images_of_something_else_are_refused() {
    let storage = tempfile::tempdir().unwrap();
    let settings = ClientSettings::default;
    let server = registry(false, "application/vnd.oci.image.layer.v1.tar+gzip");
    let error = get(
        image(&server, ":1.0.0", settings()),
        &sha256(WASM),
        storage.path(),
    )
    .unwrap_err();
    assert!(
        error.ends_with("the image holds no layer that is a component (application/wasm)"),
        "{error}"
    );
    let server = registry(false, "application/wasm");
    let error = get(
        image(&server, ":1.0.0", settings()),
        &"ab".repeat(32),
        storage.path(),
    )
    .unwrap_err();
    assert!(
        error.contains(&format!("a component with the digest sha256:{}", sha256(WASM))),
        "{error}"
    );
    let error = get(
        image(&server, ":2.0.0", settings()),
        &sha256(WASM),
        storage.path(),
    )
    .unwrap_err();
    assert!(error.contains("answers 404"), "{error}");
}

#[test]
fn a_manifest_with_another_digest_is_refused() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::start(None, |_, _| ok(manifest("application/wasm").as_bytes()));
    let reference = format!("@sha256:{}", "cd".repeat(32));
    let error = get(
        image(&server, &reference, ClientSettings::default()),
        &sha256(WASM),
        storage.path(),
    )
    .unwrap_err();
    assert!(error.ends_with("which is not the one named"), "{error}");
}

#[test]
fn tokens_are_not_asked_for_in_the_clear() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::start(None, |_, _| {
        let challenge = "www-authenticate: Bearer realm=\"http://example.com/token\"\r\n";
        (401, challenge.into(), Vec::new())
    });
    let error = get(image(&server, ":1.0.0", basic()), &sha256(WASM), storage.path()).unwrap_err();
    assert!(
        error.contains("http://example.com/token as where tokens are given, which is not https"),
        "{error}"
    );
}
