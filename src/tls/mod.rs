//! The one TLS configuration, for LDAP and for HTTP: rustls with ring, certificates always verified, the server's name
//! always checked. Trusted are the authorities of a CA file where one is configured (those alone), else the system's.

mod words;

pub use words::{explain, of as of_io};

use crate::error::{Error, Place, Result};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::BuilderVerifierExt;
use std::path::Path;
use std::sync::Arc;

/// A client certificate and its private key, for a sign-in by certificate.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'p> {
    pub certificate: &'p Path,
    pub key: &'p Path,
}

/// The configuration for connections to servers whose certificate the authorities of `ca_file` (else the system's) vouch for.
pub fn client_config(ca_file: Option<&Path>, identity: Option<Identity<'_>>) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| Error::failed(format!("TLS cannot be set up: {e}")))?;
    let builder = match ca_file {
        Some(path) => builder.with_root_certificates(authorities(path)?),
        None => builder.with_platform_verifier().map_err(|e| {
            Error::failed(format!("the system's trusted certificate authorities cannot be read: {e}"))
                .hint("Name a file with the authorities to trust: ca_file in groupshift.toml.")
        })?,
    };
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = certificates(identity.certificate)?;
            let key = private_key(identity.key)?;
            builder.with_client_auth_cert(chain, key).map_err(|e| {
                Error::input(
                    Place::file(identity.certificate),
                    format!("this certificate and its key do not serve: {e}"),
                )
                .hint(format!("{} has to hold the key that belongs to the certificate.", identity.key.display()))
            })?
        }
    };
    Ok(Arc::new(config))
}

fn authorities(path: &Path) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store
            .add(certificate)
            .map_err(|e| Error::input(Place::file(path), format!("a certificate in this file cannot be used: {e}")))?;
    }
    Ok(store)
}

/// The certificates of a file: PEM with any number of them, or one in DER, as Windows exports either as `.cer`.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read(path)?;
    if bytes.first() == Some(&0x30) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text(&bytes)).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Error::input(Place::file(path), "no certificate in this file")
            .hint("Export the certificate as Base64 (PEM) or DER.")),
        Err(e) => Err(Error::input(Place::file(path), format!("the certificates cannot be read: {e}"))
            .hint("Export the certificate again, as Base64 (PEM) or DER.")),
    }
}

/// The private key of a PEM file. What is in it never reaches an error.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let bytes = read(path)?;
    PrivateKeyDer::from_pem_slice(text(&bytes)).map_err(|_| {
        let encrypted = text(&bytes).windows(9).any(|w| w == b"ENCRYPTED");
        let error = Error::input(Place::file(path), "no private key that can be read in this file");
        match encrypted {
            true => {
                error.hint("The key is protected by a password: export it without one, readable by this account alone.")
            }
            false => error.hint("The file has to hold the key in PEM: PKCS #8, PKCS #1 or SEC 1, without a password."),
        }
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io("read", path, e))
}

/// Without a byte order mark, which editors on Windows put before the text.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn made() -> (String, Vec<u8>, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["dc1.contoso.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), certificate.der().to_vec(), key.serialize_pem())
    }

    #[test]
    fn certificates_come_as_pem_der_with_crlf_or_a_mark() {
        let dir = tempfile::tempdir().unwrap();
        let (pem, der, key) = made();
        let crlf = pem.replace('\n', "\r\n");
        let cases: [(&str, Vec<u8>, usize); 5] = [
            ("pem", pem.clone().into_bytes(), 1),
            ("two", [pem.clone(), pem.clone()].concat().into_bytes(), 2),
            ("der", der, 1),
            ("crlf", crlf.clone().into_bytes(), 1),
            ("mark", [b"\xEF\xBB\xBF".as_slice(), crlf.as_bytes()].concat(), 1),
        ];
        for (name, bytes, expected) in cases {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(certificates(&path).unwrap().len(), expected, "{name}");
            client_config(Some(&path), None).unwrap();
        }
        let (certificate, key_file) = (dir.path().join("pem"), dir.path().join("key"));
        std::fs::write(&key_file, key).unwrap();
        client_config(None, Some(Identity { certificate: &certificate, key: &key_file })).unwrap();
    }

    #[test]
    fn files_that_hold_no_certificate_or_key_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pem");
        for bytes in
            [b"".as_slice(), b"hello", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", b"\x30\x03\x01"]
        {
            std::fs::write(&path, bytes).unwrap();
            let error = client_config(Some(&path), None).unwrap_err();
            assert!(error.to_string().contains("x.pem"), "{error}");
            let error = private_key(&path).unwrap_err();
            assert!(error.to_string().contains("no private key"), "{error}");
        }
        std::fs::write(&path, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n")
            .unwrap();
        let error = private_key(&path).unwrap_err();
        assert!(error.hints[0].contains("password") && !format!("{error:?}").contains("c2VjcmV0"), "{error:?}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("c"), dir.path().join("k"));
        std::fs::write(&certificate, made().0).unwrap();
        std::fs::write(&key, made().2).unwrap();
        let error = client_config(None, Some(Identity { certificate: &certificate, key: &key })).unwrap_err();
        assert!(error.to_string().contains("do not serve"), "{error}");
    }
}
