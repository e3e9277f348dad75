//! The task that owns the socket, over a pipe: however the bytes are cut, each message reaches who asked for it, once.

use super::*;
use proptest::prelude::*;
use tokio::io::DuplexStream;

fn entry(id: i32, text: &str) -> Vec<u8> {
    let content = [ber::octets(text.as_bytes()), ber::sequence(&[])].concat();
    message::message(id, &ber::element(op::ENTRY, &content), &[])
}

fn done(id: i32) -> Vec<u8> {
    message::message(id, &ber::element(op::DONE, &[0x0a, 1, 0, 4, 0, 4, 0]), &[])
}

fn pipe(size: usize) -> (Wire, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(size);
    (Wire::start(ours, "ldaps://test", Duration::from_millis(500)), theirs)
}

/// Every message of an answer up to its last; the number of chunks it came in.
async fn read(mut answers: Answers) -> Result<Vec<(i32, u8, Vec<u8>)>, Fault> {
    let mut out = Vec::new();
    loop {
        let chunk = answers.next("search").await?;
        for message in chunk.messages() {
            let message = message.unwrap();
            out.push((message.id, message.op, message.content.to_vec()));
            if message.is_last() {
                answers.done();
                return Ok(out);
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    /// Two answers, their messages mixed, sent in pieces of any size.
    #[test]
    fn messages_reach_who_asked(
        order in proptest::collection::vec((0..2usize, 0..3000usize), 1..40),
        pieces in proptest::collection::vec(1..5000usize, 1..30),
        buffer in 1..9000usize,
    ) {
        runtime().block_on(async {
            let (wire, mut server) = pipe(buffer);
            let answers = [wire.send(&[0x63, 0], &[]), wire.send(&[0x63, 0], &[])];
            let ids = [answers[0].id, answers[1].id];
            let mut bytes = Vec::new();
            let mut sent = [0, 0];
            for (n, (who, size)) in order.iter().enumerate() {
                bytes.extend(entry(ids[*who], &format!("{n}{}", "x".repeat(*size))));
                sent[*who] += 1;
            }
            bytes.extend([done(ids[0]), done(ids[1])].concat());
            let sender = async {
                let mut requests = [0; 20];
                server.read_exact(&mut requests[..14]).await.unwrap();
                let mut rest = bytes.as_slice();
                for piece in pieces.iter().cycle() {
                    let (now, later) = rest.split_at(rest.len().min(*piece));
                    server.write_all(now).await.unwrap();
                    rest = later;
                    if rest.is_empty() {
                        break;
                    }
                }
            };
            let [first, second] = answers;
            let ((), first, second) = tokio::join!(sender, read(first), read(second));
            for (n, got) in [first.unwrap(), second.unwrap()].into_iter().enumerate() {
                assert_eq!(got.len(), sent[n] + 1);
                assert!(got.iter().all(|m| m.0 == ids[n]));
                let numbers: Vec<usize> = got.iter().filter(|m| m.1 == op::ENTRY).map(|m| {
                    let text = String::from_utf8_lossy(ber::expect(ber::OCTETS, &m.2).unwrap().0).into_owned();
                    text.trim_end_matches('x').parse().unwrap()
                }).collect();
                let expected: Vec<usize> = order.iter().enumerate().filter(|(_, o)| o.0 == n).map(|(i, _)| i).collect();
                assert_eq!(numbers, expected, "in the order sent");
            }
        });
    }

    /// Garbage ends in an error that says so, in silence that times out, or in a hang-up; never in an answer.
    #[test]
    fn garbage_is_no_answer(bytes in proptest::collection::vec(any::<u8>(), 1..400), hang_up in any::<bool>()) {
        runtime().block_on(async {
            let (ours, mut server) = tokio::io::duplex(1 << 14);
            let wire = Wire::start(ours, "ldaps://test", Duration::from_millis(5));
            let answers = wire.send(&[0x63, 0], &[]);
            server.write_all(&bytes).await.unwrap();
            let _open = (!hang_up).then_some(server);
            let fault = read(answers).await.unwrap_err();
            assert!(matches!(fault.kind, FaultKind::Protocol | FaultKind::Timeout | FaultKind::ConnectionLost), "{fault}");
        });
    }
}

#[tokio::test]
async fn a_message_that_is_nobodys_ends_every_answer() {
    for (what, make) in [
        ("never asked", (|id| entry(id + 40, "x")) as fn(i32) -> Vec<u8>),
        ("asked and answered", |id| [done(id), entry(id, "late")].concat()),
    ] {
        let (wire, mut server) = pipe(1 << 14);
        let (first, second) = (wire.send(&[0x63, 0], &[]), wire.send(&[0x63, 0], &[]));
        server.read_exact(&mut [0; 7 + 7]).await.unwrap();
        server.write_all(&make(first.id)).await.unwrap();
        let fault = read(second).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Protocol, "{what}: {fault}");
        assert!(fault.words.contains("never made"), "{what}: {fault}");
        let after = read(wire.send(&[0x63, 0], &[])).await.unwrap_err();
        assert_eq!((after.kind, after.words), (fault.kind, fault.words), "{what}: whoever comes later learns it too");
    }
}

#[tokio::test]
async fn what_was_abandoned_may_still_be_answered() {
    let (wire, mut server) = pipe(1 << 14);
    let first = wire.send(&[0x63, 0], &[]);
    let gone = first.id;
    drop(first);
    let second = wire.send(&[0x63, 0], &[]);
    // Both requests, and the word between them.
    server.read_exact(&mut [0; 7 + 8 + 7]).await.unwrap();
    server
        .write_all(&[entry(gone, "late"), done(gone), entry(second.id, "a"), done(second.id)].concat())
        .await
        .unwrap();
    assert_eq!(read(second).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_notice_is_the_reason_of_the_end() {
    let (wire, mut server) = pipe(1 << 14);
    let answers = wire.send(&[0x63, 0], &[]);
    // As Active Directory writes it: the name stands beside the operation.
    let operation =
        ber::element(op::EXTENDED_ANSWER, &[&[0x0a, 1, 52, 4, 0][..], &ber::octets(b"shutdown\0")].concat());
    let name = ber::element(0x8a, b"1.3.6.1.4.1.1466.20036");
    server.write_all(&ber::element(SEQUENCE, &[&[2, 1, 0][..], &operation, &name].concat())).await.unwrap();
    drop(server);
    let fault = read(answers).await.unwrap_err();
    assert_eq!((fault.kind, fault.code, fault.server_said.as_str()), (FaultKind::ConnectionLost, Some(52), "shutdown"));
    assert!(!fault.is_busy() && fault.is_connection_lost());
}

/// Nobody takes the answer: the server cannot send more than the limit. Another answer gets through all the same.
#[tokio::test]
async fn a_reader_that_waits_makes_the_server_wait() {
    let (wire, mut server) = pipe(1 << 16);
    let slow = wire.send(&[0x63, 0], &[]);
    let (slow_id, sent, other_id) = (slow.id, Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI32::new(0)));
    let (count, wanted) = (sent.clone(), other_id.clone());
    let sender = tokio::spawn(async move {
        let message = entry(slow_id, &"x".repeat(60_000));
        while wanted.load(Ordering::Acquire) == 0 {
            server.write_all(&message).await.unwrap();
            count.fetch_add(message.len(), Ordering::AcqRel);
        }
        let other = wanted.load(Ordering::Acquire);
        server.write_all(&[entry(other, "a"), done(other), done(slow_id)].concat()).await.unwrap();
        server
    });
    let so_far = async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        sent.load(Ordering::Acquire)
    };
    let mut before = so_far().await;
    while before < AHEAD {
        let now = so_far().await;
        assert_ne!(now, before, "it stopped before the limit");
        before = now;
    }
    let waits = so_far().await;
    assert_eq!(so_far().await, waits, "the server waits");
    assert!(waits < AHEAD + 4 * CHUNK + (1 << 18), "{waits}");

    let other = wire.send(&[0x63, 0], &[]);
    other_id.store(other.id, Ordering::Release);
    assert_eq!(read(other).await.unwrap().len(), 2);
    let got = read(slow).await.unwrap();
    assert_eq!(got.len(), sent.load(Ordering::Acquire) / entry(slow_id, &"x".repeat(60_000)).len() + 1);
    drop(sender.await.unwrap());
}

/// A length of gigabytes is believed step by step only.
#[tokio::test]
async fn room_is_made_as_bytes_come() {
    let (wire, _server) = pipe(64);
    let mut inbox = Inbox::default();
    inbox.buffer.extend([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 2]);
    assert!(inbox.sort(&wire.shared).is_ok());
    inbox.make_room();
    assert!(inbox.lacking > 1 << 30 && inbox.buffer.capacity() <= 2 * STEP, "{}", inbox.buffer.capacity());
}
