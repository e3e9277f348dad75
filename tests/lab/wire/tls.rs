//! Certificates for the double, made on the spot: an authority, a server's certificate good or flawed, a client's.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

/// The server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For 127.0.0.1, localhost and dc1.contoso.test.
    Good,
    /// For another name alone.
    OtherName,
    Expired,
    NotYet,
    /// Issued by an authority that is not the one in the CA file.
    OtherAuthority,
}

/// The files that a client needs, and the server's side.
pub struct Tls {
    pub ca_file: PathBuf,
    /// A client certificate of the authority, and its key.
    pub client_certificate: PathBuf,
    pub client_key: PathBuf,
    /// The server's certificate and key, for another program to serve with.
    pub server_certificate: PathBuf,
    pub server_key: PathBuf,
    pub server: Arc<ServerConfig>,
}

fn authority(name: &str) -> (Issuer<'static, KeyPair>, String, Vec<u8>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let (pem, der) = (certificate.pem(), certificate.der().to_vec());
    (Issuer::new(params, key), pem, der)
}

pub fn make(dir: &Path, kind: Certificate) -> Tls {
    let (issuer, pem, der) = authority("Contoso Test CA");
    let (stranger, _, _) = authority("Another CA");
    let names = match kind {
        Certificate::OtherName => vec!["dc9.fabrikam.test".to_owned()],
        _ => ["127.0.0.1", "localhost", "dc1.contoso.test"].map(str::to_owned).to_vec(),
    };
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    match kind {
        Certificate::Expired => params.not_after = rcgen::date_time_ymd(2020, 1, 1),
        Certificate::NotYet => params.not_before = rcgen::date_time_ymd(2090, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate().unwrap();
    let by = if kind == Certificate::OtherAuthority { &stranger } else { &issuer };
    let certificate = params.signed_by(&key, by).unwrap();

    let mut client = CertificateParams::new(Vec::new()).unwrap();
    client.distinguished_name.push(DnType::CommonName, "svc-groupshift");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client_key = KeyPair::generate().unwrap();
    let client = client.signed_by(&client_key, &issuer).unwrap();

    let file = |name: &str, text: String| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(der.into()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    Tls {
        ca_file: file("ca.pem", pem),
        client_certificate: file("client.pem", client.pem()),
        client_key: file("client.key", client_key.serialize_pem()),
        server_certificate: file("server.pem", certificate.pem()),
        server_key: file("server.key", key.serialize_pem()),
        server: Arc::new(server),
    }
}
