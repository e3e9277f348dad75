//! Signing in: what is refused before a byte goes out, what the server's refusals mean, certificates instead of a
//! password.

use crate::support::{BOTH, By, connector, connector_of, settings};
use crate::wire::{Act, Auth, Certificate, Directory, Op, PASSWORD, Start, Wire};
use groupshift::config::{Ad, Bind};
use groupshift::ldap::{Connector, FaultKind};
use secrecy::SecretString;
use std::cell::Cell;

#[test]
fn a_password_never_goes_out_in_the_clear() {
    let wire = Wire::with(Directory::groups(1, 1), Start::Clear, Certificate::Good);
    let asked = Cell::new(false);
    for bind in [Bind::Simple, Bind::External] {
        let ad = Ad {
            bind,
            client_certificate_file: Some(wire.tls.client_certificate.clone()),
            client_key_file: Some(wire.tls.client_key.clone()),
            ..settings(&wire, &wire.url("ldap"))
        };
        let error = Connector::new(&ad, || {
            asked.set(true);
            Ok(SecretString::from(PASSWORD))
        })
        .err()
        .unwrap();
        assert!(error.to_string().contains("not protected"), "{error}");
        assert!(error.hints[0].contains("ldaps://"));
    }
    assert!(!asked.get(), "the password is not even asked for");
    // Nor by way of another address of the same account.
    let safe = connector_of(&settings(&wire, &wire.url("ldaps")), PASSWORD);
    assert!(safe.to(&wire.url("ldap"), "[ad] global_catalog_url").is_err());
    let counts = wire.counts();
    assert_eq!((counts.connections, counts.received), (0, 0));
}

#[tokio::test]
async fn starttls_comes_before_the_password() {
    for by in BOTH {
        let wire = Wire::with(Directory::groups(3, 1), Start::Clear, Certificate::Good);
        let ad = Ad { starttls: true, ..settings(&wire, &wire.url("ldap")) };
        let session = by.connect(&connector_of(&ad, PASSWORD)).await.unwrap();
        assert_eq!(session.all(crate::support::groups()).await.unwrap().entries.len(), 3);

        // Refused, unanswered, answered by a hang-up: no sign-in follows.
        for (said, act) in [("refuses StartTLS", 0), ("no answer", 1), ("no answer", 2)] {
            let wire = Wire::with(Directory::groups(3, 1), Start::Clear, Certificate::Good);
            wire.on(move |_, _| match act {
                0 => Act::Result(52, "00000000: LdapErr: DSID-0C09106E, comment: Error initializing SSL/TLS"),
                1 => Act::Silence,
                _ => Act::Hang,
            });
            let ad = Ad { starttls: true, ..settings(&wire, &wire.url("ldap")) };
            let mut connector = connector_of(&ad, PASSWORD);
            connector.timeouts.connect = std::time::Duration::from_millis(500);
            let fault = by.connect(&connector).await.err().unwrap();
            // The library does not tell a hang-up from silence here.
            let said = if (act, by) == (2, By::OwnHand) { "hung up" } else { said };
            assert!(fault.words.contains(said) && !fault.is_busy(), "{fault}");
            assert_eq!(wire.counts().binds, 0);
        }
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_what_to_do() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        let wrong =
            by.connect(&connector_of(&settings(&wire, &wire.url("ldaps")), "Wrong-Secret-9")).await.err().unwrap();
        assert_eq!((wrong.kind, wrong.code), (FaultKind::Credentials, Some(49)));
        assert!(wrong.words.contains("wrong user name or password"), "{wrong}");
        let shown = format!("{wrong} {wrong:?}");
        assert!(shown.contains("data 52e") && !shown.contains("Wrong-Secret-9"));

        for (code, said, kind, words) in [
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 525, v4563",
                FaultKind::Credentials,
                "no such account",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 530, v4563",
                FaultKind::Credentials,
                "at this hour",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 531, v4563",
                FaultKind::Credentials,
                "from this computer",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 532, v4563",
                FaultKind::Credentials,
                "password has expired",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 533, v4563",
                FaultKind::Credentials,
                "disabled",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 701, v4563",
                FaultKind::Credentials,
                "account has expired",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 773, v4563",
                FaultKind::Credentials,
                "has to be changed",
            ),
            (
                49,
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v4563",
                FaultKind::Credentials,
                "locked out",
            ),
            (
                49,
                "80090346: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 80090346, v4563",
                FaultKind::StrongAuth,
                "channel binding",
            ),
            (
                8,
                "00002028: LdapErr: DSID-0C090202, comment: The server requires binds to turn on integrity checking",
                FaultKind::StrongAuth,
                "TLS or signing",
            ),
            (7, "", FaultKind::StrongAuth, "does not support this way"),
            (51, "", FaultKind::Busy, "busy"),
        ] {
            let wire = Wire::start(Directory::groups(1, 1));
            wire.on(move |_, _| Act::Result(code, said));
            let fault = by.connect(&connector(&wire)).await.err().unwrap();
            assert_eq!((fault.kind, fault.code), (kind, Some(code as u32)), "{fault}");
            assert!(fault.words.contains(words) && fault.hint.is_some(), "{fault}");
            assert_eq!(fault.server_said, said);
            let error = groupshift::error::Error::from(fault);
            assert_eq!(error.exit_code(), 1);
            assert!(error.to_string().contains("sign in as svc@contoso.test") && !error.hints.is_empty(), "{error}");
        }
    }
}

/// What a server says is shown, yet cannot steer the terminal.
#[tokio::test]
async fn a_servers_words_are_defused() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        wire.on(|_, _| Act::Result(49, "\u{1b}]0;owned\u{7}\u{202e}x"));
        let shown = by.connect(&connector(&wire)).await.err().unwrap().to_string();
        assert!(!shown.chars().any(groupshift::report::is_hazardous), "{shown:?}");
        assert!(shown.contains("owned"));
    }
}

#[tokio::test]
async fn a_certificate_signs_in() {
    for by in BOTH {
        for (start, scheme) in [(Start::Tls, "ldaps"), (Start::Clear, "ldap")] {
            let wire = Wire::with(Directory::groups(3, 1), start, Certificate::Good);
            wire.on(|request, _| {
                if let Op::Bind { auth, .. } = &request.op {
                    assert_eq!(*auth, Auth::Sasl("EXTERNAL".to_owned()));
                }
                Act::Answer
            });
            let ad = Ad {
                bind: Bind::External,
                starttls: start == Start::Clear,
                client_certificate_file: Some(wire.tls.client_certificate.clone()),
                client_key_file: Some(wire.tls.client_key.clone()),
                ..settings(&wire, &wire.url(scheme))
            };
            let connector = Connector::new(&ad, || panic!("no password is needed")).unwrap();
            let session = by.connect(&connector).await.unwrap();
            assert_eq!(session.who_am_i().await.unwrap(), "u:CONTOSO\\svc-groupshift");
            assert_eq!(session.all(crate::support::groups()).await.unwrap().entries.len(), 3);
        }
    }
}

#[tokio::test]
async fn an_answer_to_the_sign_in_that_is_no_ldap_is_refused() {
    for by in BOTH {
        for bytes in [
            crate::broken::HTTP.as_bytes().to_vec(),
            vec![0x30, 0],
            crate::wire::message::message(1, vec![0x61, 0], &[]),
        ] {
            let wire = Wire::start(Directory::groups(1, 1));
            wire.on(move |_, _| Act::Bytes(bytes.clone()));
            let fault = by.connect(&connector(&wire)).await.err().unwrap();
            assert_eq!(fault.kind, FaultKind::Protocol, "{fault}");
        }
    }
}

#[cfg(not(feature = "gssapi"))]
#[test]
fn a_build_without_kerberos_says_so() {
    let wire = Wire::start(Directory::groups(1, 1));
    let ad = Ad { bind: Bind::Gssapi, ..settings(&wire, "ldap://dc1.contoso.test") };
    let error = Connector::new(&ad, || panic!("no password is needed")).err().unwrap();
    assert!(error.to_string().contains("no Kerberos support") && error.hints[0].contains("--features gssapi"));
}
