//! The certificate authorities the system trusts.
//!
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` when set, otherwise the bundle of the first distribution that has one: the
//! rule, the places and their order are those of Go's `crypto/x509`, so an image in which Alloy or Prometheus
//! reach a receiver works here. None found is not an error: an agent in an empty container that pushes over plain
//! HTTP needs none, and one that pushes over HTTPS is told by the handshake.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Bundles: Debian/Alpine, Fedora, openSUSE, OpenELEC, RHEL, Alpine/macOS.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What the system trusts.
#[must_use]
pub fn system() -> RootCertStore {
    let file = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let directories = std::env::var_os("SSL_CERT_DIR");
    let directories = directories
        .iter()
        .flat_map(std::env::split_paths)
        .collect::<Vec<_>>();
    load(file.as_deref(), &directories, &BUNDLES.map(Path::new))
}

/// `file` and `directories` when given, otherwise the first of `bundles` that has a certificate. What cannot be
/// read or parsed is passed over: one expired or exotic authority must not cost us all the others.
fn load(file: Option<&Path>, directories: &[PathBuf], bundles: &[&Path]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        add(&mut roots, file);
    }
    for entry in directories
        .iter()
        .filter_map(|directory| std::fs::read_dir(directory).ok())
        .flatten()
        .flatten()
    {
        add(&mut roots, &entry.path());
    }
    if file.is_none() && directories.is_empty() {
        for bundle in bundles {
            if roots.is_empty() {
                add(&mut roots, bundle);
            }
        }
    }
    roots
}

fn add(roots: &mut RootCertStore, file: &Path) {
    if let Ok(certificates) = CertificateDer::pem_file_iter(file) {
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tls::tests::Authority;

    #[test]
    fn the_first_bundle_with_a_certificate_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, one, two) = (
            folder.path().join("0"),
            folder.path().join("1"),
            folder.path().join("2"),
        );
        let pem = Authority::new().pem();
        std::fs::write(&empty, "nothing here").unwrap();
        std::fs::write(&one, &pem).unwrap();
        std::fs::write(&two, format!("{pem}{pem}")).unwrap();
        assert_eq!(
            load(None, &[], &[Path::new("/nowhere"), &empty, &one, &two]).len(),
            1
        );
        assert_eq!(load(Some(&two), &[], &[&one]).len(), 2);
        assert_eq!(load(None, &[folder.path().to_owned()], &[]).len(), 3);
        assert!(load(Some(Path::new("/nowhere")), &[], &[&one]).is_empty());
    }
}
