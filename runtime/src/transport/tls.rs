//! TLS as the settings want it: whom to trust, who we are, which name to expect.
//!
//! Always rustls with the `ring` provider, named here and never through rustls' process-wide default: a default
//! can be installed by any library, and when none is, building a client panics.
//!
//! - With `ca_file`, only its authorities are trusted; the system's are not.
//! - `server_name` is the name the certificate must be for. Unlike Go's, it is not what we ask for (SNI): that stays
//!   the URL's host, because rustls ties it to the connection.
//! - `insecure_skip_verify` takes any certificate, but still checks that the peer holds its key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, UnixTime, pem};
use thiserror::Error;

use super::roots;
use super::settings::TlsSettings;

/// Why the TLS settings cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A PEM file cannot be read.
    #[error("reading {what} from {}", path.display())]
    Pem {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// A PEM file holds no certificate.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// A certificate authority is malformed.
    #[error("taking the certificate authorities in {}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// Only one half of our identity is given.
    #[error("cert_file and key_file belong together: give both or neither")]
    HalfIdentity,
    /// Our certificate and key do not fit.
    #[error("taking our certificate in {}", path.display())]
    Identity {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// `server_name` is no host name and no address.
    #[error("server_name {name:?} is neither a host name nor an address")]
    ServerName {
        /// As given.
        name: String,
        /// Why.
        source: InvalidDnsNameError,
    },
    /// There is nobody to trust.
    #[error("checking for server_name needs certificate authorities: the system has none, give ca_file")]
    NoAuthority {
        /// Why.
        source: rustls::server::VerifierBuilderError,
    },
    /// The provider lacks a protocol version.
    #[error("choosing TLS versions")]
    Versions {
        /// Why.
        source: Error,
    },
}

/// The TLS of a client.
///
/// # Errors
/// When a file is missing or malformed, or the settings contradict each other.
pub fn config(settings: &TlsSettings) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Versions { source })?;
    let builder = if settings.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else if let Some(name) = &settings.server_name {
        let verifier = Renamed::new(name, trusted(settings)?, provider)?;
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        builder.with_root_certificates(trusted(settings)?)
    };
    let mut config = match (&settings.cert_file, &settings.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "our certificate")?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem {
                what: "our private key",
                path: key.clone(),
                source,
            })?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|source| TlsError::Identity {
                    path: cert.clone(),
                    source,
                })?
        }
        _ => return Err(TlsError::HalfIdentity),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn trusted(settings: &TlsSettings) -> Result<RootCertStore, TlsError> {
    let Some(file) = &settings.ca_file else {
        return Ok(roots::system());
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(file, "certificate authorities")? {
        roots.add(authority).map_err(|source| TlsError::Authority {
            path: file.clone(),
            source,
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Pem {
        what,
        path: path.to_owned(),
        source,
    };
    let read = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let certificates = read.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(certificates)
}

/// Checks the certificate as ever, but against a given name.
#[derive(Debug)]
struct Renamed {
    name: ServerName<'static>,
    inner: Arc<WebPkiServerVerifier>,
}

impl Renamed {
    fn new(name: &str, roots: RootCertStore, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|source| TlsError::NoAuthority { source })?;
        let name = ServerName::try_from(name.to_owned()).map_err(|source| TlsError::ServerName {
            name: name.to_owned(),
            source,
        })?;
        Ok(Self { name, inner })
    }
}

impl ServerCertVerifier for Renamed {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner
            .verify_server_cert(certificate, intermediates, &self.name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Takes any certificate.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(crate) mod tests;
