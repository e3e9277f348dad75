//! Connections that break: at any byte, in silence, with a notice. A search then ends in an error, never as if whole.

use crate::support::{BOTH, connector, drain, fault, groups};
use crate::wire::message::{message, notice, result};
use crate::wire::{Act, Directory, Wire};
use groupshift::ldap::FaultKind;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_search_cut_at_any_byte_is_no_whole_search() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(12, 2));
        let connector = connector(&wire);
        let whole = by.connect(&connector).await.unwrap().all(groups().page(5)).await.unwrap();
        assert_eq!(whole.entries.len(), 12);
        // The connection's own limit; the sign-in's answer is 22 bytes at the most.
        let mut last_seen = 0;
        for cut in (0..4000u64).step_by(37).chain(0..60) {
            wire.cut_after(Some(cut));
            let session = match by.connect(&connector).await {
                Ok(session) => session,
                Err(fault) => {
                    assert!(
                        fault.is_connection_lost() || fault.kind == FaultKind::Protocol,
                        "after {cut} bytes: {fault}"
                    );
                    continue;
                }
            };
            let (entries, end) = drain(session.search(groups().page(5))).await;
            match end {
                Ok(pages) => {
                    assert_eq!(entries, whole.entries, "after {cut} bytes");
                    assert_eq!(pages.ending(), Some(&whole.ending));
                    last_seen = last_seen.max(cut);
                }
                Err(fault) => {
                    assert_eq!(fault.kind, FaultKind::ConnectionLost, "after {cut} bytes: {fault}");
                    assert!(fault.is_connection_lost() && fault.hint.is_some() && fault.server.contains("127.0.0.1"));
                    assert!(entries.len() <= 12);
                }
            }
        }
        assert!(last_seen > 0, "the longest of the cuts lets the search end");
    }
}

#[tokio::test]
async fn a_connection_that_ends_in_order_is_no_whole_search() {
    for by in BOTH {
        // The server says good-bye after the first page instead of sending the second.
        let wire = Wire::start(Directory::groups(30, 1));
        wire.on(|request, _| match request.page() {
            Some((_, cookie)) if !cookie.is_empty() => Act::Hang,
            _ => Act::Answer,
        });
        let (entries, end) = drain(by.to(&wire).await.search(groups())).await;
        assert_eq!(entries.len(), 10);
        assert_eq!(end.err().unwrap().kind, FaultKind::ConnectionLost);
    }
}

#[tokio::test]
async fn a_notice_of_disconnection_is_a_lost_connection() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(30, 1));
        wire.on(|request, _| match request.page() {
            Some((_, cookie)) if !cookie.is_empty() => {
                Act::Notice(52, "00000000: LdapErr: DSID-0C060810, comment: shutdown")
            }
            _ => Act::Answer,
        });
        let fault = fault(&by.to(&wire).await, groups()).await;
        assert!(fault.is_connection_lost(), "{fault}");
        assert!(fault.hint.unwrap().contains("closed it"));
        // Those after it fail as well, at once.
        let session = by.to(&wire).await;
        let _ = session.all(groups()).await.unwrap_err();
        let begin = Instant::now();
        assert!(session.root_dse(&[]).await.unwrap_err().is_connection_lost());
        assert!(begin.elapsed() < Duration::from_millis(650));
    }
}

/// A notice that comes before an answer does not disturb the answer.
#[tokio::test]
async fn a_notice_without_an_end_is_not_an_answer() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(3, 1));
        wire.on(|request, _| match request.is_search() {
            true => Act::Rewrite(Box::new(|mut messages| {
                messages.insert(1, notice(51, "busy"));
                messages
            })),
            false => Act::Answer,
        });
        assert_eq!(by.to(&wire).await.all(groups()).await.unwrap().entries.len(), 3);
    }
}

#[tokio::test]
async fn silence_ends_in_a_timeout() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(30, 1));
        for after in [b"".as_slice(), b"10", b"20"] {
            wire.on(move |request, _| match request.page() {
                Some((_, cookie)) if cookie == after => Act::Silence,
                _ => Act::Answer,
            });
            let begin = Instant::now();
            let fault = fault(&by.to(&wire).await, groups()).await;
            assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
            assert!(fault.words.contains("no answer within 0.7 s") && fault.is_connection_lost());
            assert!(begin.elapsed() < Duration::from_secs(5));
        }
        // An answer that is late, yet in time, is waited for.
        wire.on(|request, _| if request.is_search() { Act::Delay(Duration::from_millis(200)) } else { Act::Answer });
        assert_eq!(by.to(&wire).await.all(groups()).await.unwrap().entries.len(), 30);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_the_sign_in_is_given_up() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        wire.on(|_, _| Act::Silence);
        let mut connector = connector(&wire);
        connector.timeouts.connect = Duration::from_millis(600);
        let fault = by.connect(&connector).await.err().unwrap();
        assert_eq!(fault.kind, FaultKind::Timeout);
        assert!(fault.to_string().contains("sign in as svc@contoso.test"), "{fault}");
    }
}

#[tokio::test]
async fn a_page_that_ends_in_an_error_is_an_error() {
    for by in BOTH {
        let said = "00002024: LdapErr: DSID-0C090B";
        for (code, said, kind, words) in [
            (51, "busy", FaultKind::Busy, "busy"),
            (52, "", FaultKind::Busy, "not available"),
            (3, "", FaultKind::Limit, "time limit"),
            (4, "", FaultKind::Limit, "size limit"),
            (11, said, FaultKind::Limit, "administrative limit"),
            (1, "000004DC: LdapErr", FaultKind::Credentials, "wants a sign-in"),
            (50, "00002098: SecErr", FaultKind::AccessDenied, "lacks the right"),
            (53, "", FaultKind::Guard, "unwilling"),
            (80, "", FaultKind::Other, "error of its own"),
            (10, "0000202B: RefErr", FaultKind::Referral, "another server"),
        ] {
            // With its entries, without a cookie: what looks most like a last page.
            let wire = Wire::start(Directory::groups(30, 1));
            wire.on(move |request, _| {
                let id = request.id;
                match request.page() {
                    Some((_, cookie)) if cookie == b"10" => Act::Rewrite(Box::new(move |mut messages| {
                        messages.pop();
                        messages.push(message(id, result(0x65, code, said, &[]), &[]));
                        messages
                    })),
                    _ => Act::Answer,
                }
            });
            let session = by.to(&wire).await;
            let fault = fault(&session, groups()).await;
            assert_eq!((fault.kind, fault.code), (kind, Some(code as u32)), "{fault}");
            assert!(fault.words.contains(words) && fault.server_said == said, "{fault}");
            assert_eq!(fault.is_busy(), matches!(code, 51 | 52));
            assert!(!fault.is_connection_lost());
            // The connection itself goes on.
            assert!(session.root_dse(&["dnsHostName"]).await.is_ok());
        }
    }
}
