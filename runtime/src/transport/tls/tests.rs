//! Handshakes against a rustls server on a thread, with certificates made on the spot.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::*;
use crate::transport::{ClientSettings, client};

/// A certificate authority for one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `name` and its key, as PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Serves `204 No Content` over TLS as `name`; clients must come with a certificate of `clients`, if given.
    pub(crate) fn serve(&self, name: &str, clients: Option<&Self>) -> u16 {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (certificate, key) = self.issue(name);
        let config = builder
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), connection);
                // One read is one small request; a failed handshake is what some tests are about.
                if stream.read(&mut [0; 4096]).is_ok() {
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        port
    }
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// The status of a GET, or the error with its causes.
async fn get(tls: TlsSettings, host: &str, port: u16) -> Result<u16, String> {
    let settings = ClientSettings {
        tls,
        ..ClientSettings::default()
    };
    let client = client(&settings, Duration::from_secs(5)).unwrap();
    let answer = client.get(format!("https://{host}:{port}/")).send().await;
    answer
        .map(|answer| answer.status().as_u16())
        .map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn only_the_given_authority_is_trusted() {
    let (ours, other, files) = (Authority::new(), Authority::new(), Files::new());
    let ca = TlsSettings {
        ca_file: Some(files.put("ca.pem", &ours.pem())),
        ..TlsSettings::default()
    };
    assert_eq!(
        get(ca.clone(), "localhost", ours.serve("localhost", None)).await,
        Ok(204)
    );
    let refused = get(ca, "localhost", other.serve("localhost", None))
        .await
        .unwrap_err();
    assert!(
        refused.contains("UnknownIssuer") || refused.contains("BadSignature"),
        "{refused}"
    );
    let system = get(TlsSettings::default(), "localhost", ours.serve("localhost", None))
        .await
        .unwrap_err();
    assert!(system.contains("UnknownIssuer"), "{system}");
}

#[tokio::test]
async fn the_name_can_be_another_than_the_hosts() {
    let (authority, files) = (Authority::new(), Files::new());
    let ca = TlsSettings {
        ca_file: Some(files.put("ca.pem", &authority.pem())),
        ..TlsSettings::default()
    };
    let port = authority.serve("loki.internal", None);
    let refused = get(ca.clone(), "localhost", port).await.unwrap_err();
    assert!(refused.contains("NotValidForName"), "{refused}");
    let named = TlsSettings {
        server_name: Some("loki.internal".to_owned()),
        ..ca.clone()
    };
    assert_eq!(get(named, "localhost", port).await, Ok(204));
    let wrong = TlsSettings {
        server_name: Some("other.internal".to_owned()),
        ..ca
    };
    assert!(get(wrong, "localhost", port).await.is_err());
}

#[tokio::test]
async fn verification_can_be_skipped() {
    let port = Authority::new().serve("elsewhere", None);
    let any = TlsSettings {
        insecure_skip_verify: true,
        ..TlsSettings::default()
    };
    assert_eq!(get(any, "localhost", port).await, Ok(204));
}

#[tokio::test]
async fn our_certificate_is_shown() {
    let (server, clients, files) = (Authority::new(), Authority::new(), Files::new());
    let port = server.serve("localhost", Some(&clients));
    let ca = TlsSettings {
        ca_file: Some(files.put("ca.pem", &server.pem())),
        ..TlsSettings::default()
    };
    assert!(get(ca.clone(), "localhost", port).await.is_err());
    let (certificate, key) = clients.issue("agent");
    let known = TlsSettings {
        cert_file: Some(files.put("cert.pem", &certificate)),
        key_file: Some(files.put("key.pem", &key)),
        ..ca
    };
    assert_eq!(get(known, "localhost", port).await, Ok(204));
}

#[test]
fn what_is_wrong_is_said() {
    let files = Files::new();
    let said = |settings: TlsSettings| config(&settings).unwrap_err().to_string();
    let missing = TlsSettings {
        ca_file: Some("/nowhere/ca.pem".into()),
        ..TlsSettings::default()
    };
    assert_eq!(
        said(missing),
        "reading certificate authorities from /nowhere/ca.pem"
    );
    let empty = files.put("empty.pem", "");
    let none = TlsSettings {
        ca_file: Some(empty.clone()),
        ..TlsSettings::default()
    };
    assert_eq!(said(none), format!("{} holds no certificate", empty.display()));
    let half = TlsSettings {
        insecure_skip_verify: true,
        cert_file: Some(empty),
        ..TlsSettings::default()
    };
    assert_eq!(
        said(half),
        "cert_file and key_file belong together: give both or neither"
    );
    let ca = Some(files.put("ca.pem", &Authority::new().pem()));
    let name = TlsSettings {
        ca_file: ca,
        server_name: Some("no name".to_owned()),
        ..TlsSettings::default()
    };
    assert_eq!(
        said(name),
        r#"server_name "no name" is neither a host name nor an address"#
    );
}
