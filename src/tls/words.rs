//! What a failed TLS handshake means, and what to do.

use rustls::{CertificateError, Error as TlsError};
use std::io;

/// Words and a hint, where an I/O error is one of TLS.
pub fn of(error: &io::Error) -> Option<(String, String)> {
    let inner = error.get_ref()?;
    inner.downcast_ref::<TlsError>().map(explain)
}

/// Words and a hint for an error of TLS.
pub fn explain(error: &TlsError) -> (String, String) {
    let (words, hint) = match error {
        TlsError::InvalidCertificate(certificate) => return certificate_words(certificate),
        TlsError::NoCertificatesPresented => {
            ("the server shows no certificate".to_owned(), "Install a certificate on the domain controller.")
        }
        TlsError::InvalidMessage(_) => (
            "the server does not speak TLS on this port".to_owned(),
            "Port 636 (Global Catalog: 3269) is for ldaps://; for 389 or 3268 write ldap:// with starttls = true.",
        ),
        TlsError::PeerIncompatible(why) => (
            format!("the server offers no version or cipher of TLS that is safe: {why:?}"),
            "The domain controller has to offer TLS 1.2 or 1.3.",
        ),
        TlsError::AlertReceived(alert) => (
            format!("the server refused the TLS handshake: {alert:?}"),
            "It may want a client certificate, or another version of TLS.",
        ),
        other => (format!("TLS failed: {other}"), "Check the domain controller's certificate and the network between."),
    };
    (words, hint.to_owned())
}

fn certificate_words(error: &CertificateError) -> (String, String) {
    let (words, hint): (String, &str) = match error {
        CertificateError::UnknownIssuer => (
            "the authority that issued the server's certificate is not trusted here".to_owned(),
            "Export the certificate of your issuing authority and name it: [ad] ca_file (for Entra: [entra] ca_file).",
        ),
        CertificateError::NotValidForName => (
            "the server's certificate is for another name".to_owned(),
            "Use the name in the certificate as the address.",
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<String> = presented.iter().map(|n| spelt(n)).collect();
            let words = format!(
                "the server's certificate is not for {}; it is for {}",
                expected.to_str(),
                if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") }
            );
            (words, "Use one of these names as the address.")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "Renew it on the server, and check this computer's clock.",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the server's certificate is not valid yet".to_owned(), "Check this computer's clock and the server's.")
        }
        CertificateError::Revoked => {
            ("the server's certificate has been revoked".to_owned(), "Install a new certificate on the server.")
        }
        other => (
            format!("the server's certificate cannot be accepted: {other:?}"),
            "Look at the certificate; a domain controller's has to be for server authentication and name the server.",
        ),
    };
    (words, hint.to_owned())
}

/// `DnsName("dc1.contoso.com")`, as rustls tells it, without what surrounds the name.
fn spelt(name: &str) -> String {
    name.split('"').nth(1).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_says_what_to_do() {
        let name = rustls::pki_types::ServerName::try_from("dc9.contoso.test").unwrap().to_owned();
        for (error, expected) in [
            (TlsError::InvalidCertificate(CertificateError::UnknownIssuer), "not trusted here"),
            (TlsError::InvalidCertificate(CertificateError::Expired), "has expired"),
            (TlsError::InvalidCertificate(CertificateError::NotValidYet), "not valid yet"),
            (TlsError::InvalidCertificate(CertificateError::Revoked), "revoked"),
            (
                TlsError::InvalidCertificate(CertificateError::NotValidForNameContext {
                    expected: name,
                    presented: vec!["DnsName(\"dc1.contoso.test\")".to_owned()],
                }),
                "not for dc9.contoso.test; it is for dc1.contoso.test",
            ),
            (TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType), "does not speak TLS"),
            (TlsError::NoCertificatesPresented, "no certificate"),
        ] {
            let (words, hint) = explain(&error);
            assert!(words.contains(expected), "{words}");
            assert!(!hint.is_empty());
            let io = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(of(&io).map(|w| w.0), Some(words));
        }
        assert!(of(&io::Error::other("x")).is_none());
    }
}
