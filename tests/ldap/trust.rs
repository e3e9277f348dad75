//! TLS that cannot be trusted, and servers that cannot be reached: nothing is signed in, and the words name the cause.

use crate::support::{BOTH, connector_of, settings};
use crate::wire::{Certificate, Directory, PASSWORD, Start, Wire};
use groupshift::config::Ad;
use groupshift::ldap::{Connector, FaultKind};
use std::time::Duration;

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused() {
    for by in BOTH {
        for (certificate, words, hint) in [
            (Certificate::OtherAuthority, "not trusted here", "ca_file"),
            (Certificate::OtherName, "not for 127.0.0.1; it is for dc9.fabrikam.test", "one of these names"),
            (Certificate::Expired, "has expired", "clock"),
            (Certificate::NotYet, "not valid yet", "clock"),
        ] {
            for (start, scheme) in [(Start::Tls, "ldaps"), (Start::Clear, "ldap")] {
                let wire = Wire::with(Directory::groups(1, 1), start, certificate);
                let ad = Ad { starttls: start == Start::Clear, ..settings(&wire, &wire.url(scheme)) };
                let fault = by.connect(&connector_of(&ad, PASSWORD)).await.err().unwrap();
                assert_eq!(fault.kind, FaultKind::Tls, "{certificate:?} {fault}");
                assert!(fault.words.contains(words), "{certificate:?} {fault}");
                assert!(fault.hint.as_ref().is_some_and(|h| h.contains(hint)), "{certificate:?} {fault:?}");
                assert!(!fault.is_connection_lost() && !fault.is_busy());
                assert_eq!(wire.counts().binds, 0);
            }
        }
    }
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_the_lab() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        let ad = Ad { ca_file: None, ..settings(&wire, &wire.url("ldaps")) };
        // A machine without any authority of its own says so when the connector is made.
        match Connector::new(&ad, || Ok(PASSWORD.into())) {
            Ok(connector) => {
                let fault = by.connect(&connector).await.err().unwrap();
                assert_eq!(fault.kind, FaultKind::Tls, "{fault}");
            }
            Err(error) => assert!(error.hints.iter().any(|h| h.contains("ca_file")), "{error}"),
        }
        assert_eq!(wire.counts().binds, 0);
    }
}

#[tokio::test]
async fn a_server_without_tls_on_that_port_is_named() {
    for by in BOTH {
        // It reads the TLS greeting as LDAP, which it is not, and hangs up or answers in the clear.
        let wire = Wire::with(Directory::groups(1, 1), Start::Clear, Certificate::Good);
        let mut connector = connector_of(&settings(&wire, &wire.url("ldaps")), PASSWORD);
        connector.timeouts.connect = Duration::from_millis(600);
        let fault = by.connect(&connector).await.err().unwrap();
        assert!(matches!(fault.kind, FaultKind::Tls | FaultKind::Timeout), "{fault}");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut socket, b"220 mail.contoso.test ESMTP\r\n").await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        });
        let fault =
            by.connect(&connector_of(&settings(&wire, &format!("ldaps://{address}")), PASSWORD)).await.err().unwrap();
        assert_eq!(fault.kind, FaultKind::Tls, "{fault}");
        assert!(fault.words.contains("does not speak TLS on this port"), "{fault}");
        assert!(fault.hint.unwrap().contains("636"));
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused =
            by.connect(&connector_of(&settings(&wire, &format!("ldaps://{free}")), PASSWORD)).await.err().unwrap();
        assert_eq!(refused.kind, FaultKind::Unreachable);
        assert!(refused.words.contains("refused") && refused.server.contains(&free.to_string()), "{refused}");

        let nowhere = settings(&wire, "ldaps://no-such-controller.invalid");
        let unknown = by.connect(&connector_of(&nowhere, PASSWORD)).await.err().unwrap();
        assert_eq!(unknown.kind, FaultKind::Unreachable, "{unknown}");
        assert!(unknown.doing.contains("look up the server's name") && unknown.hint.unwrap().contains("DNS"));
    }
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(2, 1));
        let url = format!("ldaps://localhost:{}", wire.address.port());
        let session = by.connect(&connector_of(&settings(&wire, &url), PASSWORD)).await.unwrap();
        assert_eq!(session.all(crate::support::groups()).await.unwrap().entries.len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_times_out() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ldaps://{}", listener.local_addr().unwrap());
        let mut connector = connector_of(&settings(&wire, &url), PASSWORD);
        connector.timeouts.connect = Duration::from_millis(300);
        let fault = by.connect(&connector).await.err().unwrap();
        assert_eq!(fault.kind, FaultKind::Timeout);
        assert!(fault.doing.contains("TLS"), "{fault}");
    }
}
