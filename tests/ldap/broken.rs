//! Servers that break the protocol: answers that are no LDAP, wrong ids, cookies without end. Each is a clear error.

use crate::support::{BOTH, By, fault, groups};
use crate::wire::message::{PAGED, message, page_value, result};
use crate::wire::{Act, Directory, Request, Rewrite, Wire, ber};
use groupshift::ldap::FaultKind;
use proptest::prelude::*;

pub const HTTP: &str = "HTTP/1.1 400 Bad Request\r\nServer: proxy\r\nContent-Type: text/html\r\nContent-Length: 42\r\n\r\n<html><body>Bad Request</body></html>";

/// Answers each search with what `make` gives.
fn answering(make: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Wire {
    let wire = Wire::start(Directory::groups(30, 1));
    wire.on(move |request, _| if request.is_search() { Act::Bytes(make(request)) } else { Act::Answer });
    wire
}

#[tokio::test]
async fn answers_that_are_no_ldap_are_refused() {
    for by in BOTH {
        let done = |tag, controls: &[(&str, Vec<u8>)]| {
            let controls: Vec<_> = controls.iter().map(|(o, v)| ((*o).to_owned(), v.clone())).collect();
            move |r: &Request| {
                let controls: Vec<_> = controls.iter().map(|(o, v)| (o.as_str(), v.clone())).collect();
                message(r.id, result(tag, 0, "", &[]), &controls)
            }
        };
        type Make = Box<dyn Fn(&Request) -> Vec<u8> + Send>;
        let cases: Vec<(&str, Make)> = vec![
            ("HTTP", Box::new(|_| HTTP.as_bytes().to_vec())),
            ("an empty sequence", Box::new(|_| vec![0x30, 0])),
            ("a sequence with an id alone", Box::new(|_| vec![0x30, 3, 2, 1, 1])),
            ("an id that is no number", Box::new(|_| vec![0x30, 7, 4, 1, 1, 0x65, 2, 10, 0])),
            ("another operation", Box::new(done(0x61, &[(PAGED, page_value(b""))]))),
            ("an empty result", Box::new(|r| message(r.id, ber::element(0x65, b""), &[]))),
            ("a result that is no code", Box::new(|r| message(r.id, ber::sequence(0x65, &[ber::octets("x")]), &[]))),
            (
                "an entry without attributes",
                Box::new(|r| message(r.id, ber::sequence(0x64, &[ber::octets("CN=x")]), &[])),
            ),
            ("an entry of a number", Box::new(|r| message(r.id, ber::sequence(0x64, &[ber::integer(5)]), &[]))),
            (
                "a name that is no text",
                Box::new(|r| {
                    message(r.id, ber::sequence(0x64, &[ber::octets(b"CN=\xff"), ber::sequence(0x30, &[])]), &[])
                }),
            ),
            ("a page control without content", Box::new(done(0x65, &[(PAGED, vec![])]))),
            ("a page control of garbage", Box::new(done(0x65, &[(PAGED, vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff])]))),
            (
                "controls that are no list",
                Box::new(|r| {
                    ber::sequence(0x30, &[ber::integer(r.id), result(0x65, 0, "", &[]), ber::element(0x80, b"x")])
                }),
            ),
        ];
        for (what, make) in cases {
            let wire = answering(make);
            let fault = fault(&by.to(&wire).await, groups()).await;
            assert_eq!(fault.kind, FaultKind::Protocol, "{what}: {fault}");
            assert!(fault.words.contains("not valid LDAP") && fault.hint.is_some(), "{what}: {fault}");
            assert!(!fault.is_connection_lost() && !fault.is_busy(), "{what} is not worth a second try");
        }
    }
}

#[tokio::test]
async fn an_end_without_the_page_control_is_no_end() {
    for by in BOTH {
        let wire = answering(|r| message(r.id, result(0x65, 0, "", &[]), &[]));
        let fault = fault(&by.to(&wire).await, groups()).await;
        assert!(fault.words.contains("without saying whether more is to come"), "{fault}");
    }
}

#[tokio::test]
async fn answers_to_nobody_are_not_taken_for_ours() {
    for by in BOTH {
        // Ids that were never given out, or of another operation. The library drops them: the search waits, and ends by its
        // timeout; our own hand ends the connection, since an answer may lack what was dropped.
        for shift in [1, 100, -1_000_000, i64::from(i32::MAX)] {
            let wire = answering(move |r| message(r.id + shift, result(0x65, 0, "", &[]), &[(PAGED, page_value(b""))]));
            let fault = fault(&by.to(&wire).await, groups()).await;
            let expected = if by == By::Library { FaultKind::Timeout } else { FaultKind::Protocol };
            assert_eq!(fault.kind, expected, "{shift}: {fault}");
        }
    }
}

#[tokio::test]
async fn a_message_that_never_ends_times_out() {
    for by in BOTH {
        // It announces two gigabytes, and sends none of them.
        let wire = answering(|_| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 2]);
        let fault = fault(&by.to(&wire).await, groups()).await;
        assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
    }
}

#[tokio::test]
async fn pages_without_end_are_refused() {
    for by in BOTH {
        // The same page again and again under the same cookie.
        let wire = Wire::start(Directory::groups(30, 1));
        wire.on(|request, _| match request.page() {
            Some((_, cookie)) if cookie == b"20" => Act::Rewrite(again(request.id, b"20")),
            _ => Act::Answer,
        });
        let fault = fault(&by.to(&wire).await, groups()).await;
        assert!(fault.words.contains("the same page without end"), "{fault}");
        assert!(wire.counts().searches < 10);

        // Empty pages, each with a new cookie.
        let wire = Wire::start(Directory::groups(30, 1));
        wire.on(|request, _| match request.page() {
            Some(_) => {
                let cookie = request.number.to_string();
                Act::Bytes(message(request.id, result(0x65, 0, "", &[]), &[(PAGED, page_value(cookie.as_bytes()))]))
            }
            None => Act::Answer,
        });
        let fault = crate::support::fault(&by.to(&wire).await, groups()).await;
        assert!(fault.words.contains("without end"), "{fault}");
    }
}

fn again(id: i64, cookie: &'static [u8]) -> Rewrite {
    Box::new(move |mut messages| {
        messages.pop();
        messages.push(message(id, result(0x65, 0, "", &[]), &[(PAGED, page_value(cookie))]));
        messages
    })
}

/// Samba numbers the search in its cookie, not the page: the same cookie for other objects is in order.
#[tokio::test]
async fn a_cookie_may_repeat_while_the_objects_change() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(30, 1));
        let mut given = 0;
        wire.on(move |request, directory| {
            if request.page().is_none() {
                return Act::Answer;
            }
            if given > 0 {
                directory.objects.drain(2..12);
            }
            given += 1;
            match given < 3 {
                true => Act::Rewrite(again(request.id, b"0")),
                false => Act::Answer,
            }
        });
        let answer = by.to(&wire).await.all(groups()).await.unwrap();
        assert_eq!((answer.entries.len(), answer.ending.pages), (30, 3));
    }
}

#[tokio::test]
async fn more_than_a_page_holds_is_refused() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(30, 1));
        wire.on(|request, _| match request.page() {
            Some(_) => Act::Rewrite(Box::new(|messages| {
                let many = messages[0].clone();
                std::iter::repeat_n(many, 500).chain(messages.into_iter().skip(1)).collect()
            })),
            None => Act::Answer,
        });
        let fault = fault(&by.to(&wire).await, groups()).await;
        assert!(fault.words.contains("more than the 10 objects"), "{fault}");
    }
}

/// Whatever single byte of an answer is wrong, the outcome is the whole answer, values that differ, or an error; no
/// hang, no panic, no answer that lacks objects.
#[test]
fn a_changed_byte_never_loses_an_object() {
    changed_bytes(By::OwnHand, 0, 250);
}

/// The library does as well, but for the first bytes of a message: it drops one whose id is nobody's.
#[test]
fn a_changed_byte_of_a_message_to_us_never_loses_an_object() {
    // Tag and length of the message, and its id.
    changed_bytes(By::Library, 6 + 3, 100);
}

fn changed_bytes(by: By, head: usize, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let wire = Wire::start(Directory::groups(4, 2));
    let connector = crate::support::connector(&wire);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(place in 0usize..100_000, byte in any::<u8>())| {
        wire.on(move |request, _| match request.is_search() {
            true => Act::Rewrite(Box::new(move |messages| {
                let mut messages = messages;
                let spread: usize = messages.iter().map(|m| m.len() - head).sum();
                let mut at = place % spread;
                for message in &mut messages {
                    let own = message.len() - head;
                    if at < own {
                        message[head + at] = byte;
                        break;
                    }
                    at -= own;
                }
                messages
            })),
            false => Act::Answer,
        });
        let outcome = runtime.block_on(async {
            let mut connector = connector.clone();
            connector.timeouts.answer = std::time::Duration::from_millis(150);
            by.connect(&connector).await.unwrap().all(groups()).await
        });
        if let Ok(answer) = outcome {
            prop_assert_eq!(answer.entries.len() + answer.ending.referrals.len(), 4);
        }
    });
}
