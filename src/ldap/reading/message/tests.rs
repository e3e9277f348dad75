//! Against another implementation of the protocol: what it writes is read as it was meant, what is written here it
//! reads; and bytes that are no message, or nearly one, are refused.

use super::*;
use crate::ldap::control::SdParts;
use crate::ldap::entry::{Entry, RawEntry};
use crate::ldap::pages::FromWire;
use crate::ldap::request::Scope;
use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapFilter, LdapMsg, LdapOp, LdapPartialAttribute, LdapResult as TheirResult, LdapResultCode,
    LdapSearchResultEntry, LdapSearchResultReference, LdapSearchScope,
};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};

fn codec() -> LdapCodec {
    LdapCodec::new(Some(1 << 22), None)
}

fn theirs(id: i32, op: LdapOp) -> Vec<u8> {
    let mut out = BytesMut::new();
    codec().encode(LdapMsg { msgid: id, op, ctrl: Vec::new() }, &mut out).unwrap();
    out.to_vec()
}

fn parsed(bytes: &[u8]) -> Message<'_> {
    let (content, after) = ber::expect(SEQUENCE, bytes).unwrap();
    assert!(after.is_empty());
    Message::parse(content).unwrap()
}

fn read_by_them(bytes: &[u8]) -> LdapMsg {
    codec().decode(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

/// A name, and attributes with their values.
type Made = (String, Vec<(String, Vec<Vec<u8>>)>);

fn entries() -> impl Strategy<Value = Made> {
    let value = prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 100..300)];
    (".{0,40}", vec(("[a-zA-Z;=0-9-]{1,24}", vec(value, 0..9)), 0..6))
}

proptest! {
    #[test]
    fn entries_are_read_as_they_were_written(id in 1..i32::MAX, (dn, attributes) in entries()) {
        let of = |(atype, vals): &(String, Vec<Vec<u8>>)| LdapPartialAttribute { atype: atype.clone(), vals: vals.clone() };
        let entry = LdapSearchResultEntry { dn: dn.clone(), attributes: attributes.iter().map(of).collect() };
        let bytes = theirs(id, LdapOp::SearchResultEntry(entry));
        let message = parsed(&bytes);
        prop_assert_eq!((message.id, message.op, message.is_last()), (id, op::ENTRY, false));
        let raw = RawEntry::parse(message.content).unwrap();
        prop_assert_eq!(raw.count(), attributes.iter().map(|a| a.1.len()).sum::<usize>());
        let read = Entry::from_wire(&raw).unwrap();
        prop_assert_eq!(&read.dn, &dn);
        prop_assert!(raw.size() >= read.size());
        let read: Vec<_> = read.attributes.into_iter().map(|a| (a.name, a.values)).collect();
        prop_assert_eq!(&read, &attributes);
        // An entry that was copied out already is told alike.
        let copied = Entry::from_wire(&raw).unwrap();
        prop_assert_eq!(Entry::from_wire(&RawEntry::of(&copied)).unwrap(), copied);
        // Not a byte less is an entry.
        for cut in 0..message.content.len() {
            prop_assert!(RawEntry::parse(&message.content[..cut]).is_none());
        }
    }

    /// One wrong byte: read as something else, or refused; what is read lies inside, whatever a length says.
    #[test]
    fn a_length_that_lies_is_refused_or_harmless(entry in entries(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (dn, attributes) = entry;
        let of = |(atype, vals): (String, Vec<Vec<u8>>)| LdapPartialAttribute { atype, vals };
        let entry = LdapSearchResultEntry { dn, attributes: attributes.into_iter().map(of).collect() };
        let mut bytes = theirs(7, LdapOp::SearchResultEntry(entry));
        let at = place.index(bytes.len());
        bytes[at] = byte;
        if let Some((content, _)) = ber::expect(SEQUENCE, &bytes)
            && let Some(message) = Message::parse(content)
            && let Some(raw) = RawEntry::parse(message.content)
        {
            let mut count = 0;
            raw.each(|_, values| count += values.count());
            prop_assert_eq!(count, raw.count());
        }
    }

    #[test]
    fn garbage_is_no_message(bytes in vec(any::<u8>(), 0..200)) {
        if let Some(message) = Message::parse(&bytes) {
            let _ = (message.result(), message.control("1.2"), message.value(), texts(message.content));
            let _ = RawEntry::parse(message.content);
        }
        let _ = (RawEntry::parse(&bytes), texts(&bytes));
    }

    #[test]
    fn requests_are_what_others_read(
        id in 1..i32::MAX, base in ".{0,40}", scope in 0..3u8, size_limit in 0..i32::MAX as u32,
        attributes in vec("[a-zA-Z0-9;=*-]{1,20}", 0..8), user in ".{0,30}", password in ".{0,30}",
    ) {
        let scopes = [(Scope::Base, LdapSearchScope::Base), (Scope::OneLevel, LdapSearchScope::OneLevel), (Scope::Subtree, LdapSearchScope::Subtree)];
        let (ours, their) = scopes[usize::from(scope)].clone();
        let mut request = Search::new(&base, ours, "(&(objectClass=group)(!(cn=x))(usn>=5))", &[]);
        request.attributes = attributes.clone();
        request.size_limit = size_limit;
        let read = read_by_them(&message(id, &search(&request).unwrap(), &[]));
        prop_assert_eq!(read.msgid, id);
        let LdapOp::SearchRequest(read) = read.op else { panic!("no search") };
        prop_assert_eq!((read.base, read.scope, read.sizelimit), (base, their, size_limit as i32));
        prop_assert_eq!((read.timelimit, read.typesonly, read.attrs), (0, false, attributes));
        let is = |a: &str, v: &str| LdapFilter::Equality(a.to_owned(), v.to_owned());
        prop_assert_eq!(read.filter, LdapFilter::And(vec![
            is("objectClass", "group"),
            LdapFilter::Not(Box::new(is("cn", "x"))),
            LdapFilter::GreaterOrEqual("usn".to_owned(), "5".to_owned()),
        ]));

        let LdapOp::BindRequest(read) = read_by_them(&message(id, &simple_bind(&user, &password), &[])).op else { panic!("no bind") };
        prop_assert_eq!((read.dn, read.cred), (user, LdapBindCred::Simple(password)));
        prop_assert_eq!(read_by_them(&message(3, &abandon(id), &[])).op, LdapOp::AbandonRequest(id));
    }

    #[test]
    fn results_are_read(code in 0..100u32, matched in ".{0,20}", said in ".{0,40}", refs in vec("[a-z:/]{1,20}", 0..3)) {
        let fields = [
            ber::tagged_integer(ENUMERATED, u64::from(code)), ber::octets(matched.as_bytes()), ber::octets(said.as_bytes()),
            if refs.is_empty() { Vec::new() } else { ber::element(REFERRAL, &refs.iter().flat_map(|r| ber::octets(r.as_bytes())).collect::<Vec<_>>()) },
        ].concat();
        let bytes = message(1, &ber::element(op::DONE, &fields), &[Control::Paged { size: 5, cookie: vec![1, 2] }]);
        let read = parsed(&bytes);
        prop_assert!(read.is_last());
        let result = read.result().unwrap();
        prop_assert_eq!((result.rc, result.matched, result.text, result.refs), (code, matched, said, refs));
        let page = read.control("1.2.840.113556.1.4.319").unwrap().unwrap();
        prop_assert_eq!(crate::ldap::control::paged_cookie(page), Some(vec![1, 2]));
        prop_assert_eq!(read.control("1.2.3"), Some(None));
    }
}

#[test]
fn their_results_references_and_controls() {
    let result = TheirResult {
        code: LdapResultCode::SizeLimitExceeded,
        matcheddn: "DC=x".to_owned(),
        message: "size limit".to_owned(),
        referral: Vec::new(),
    };
    let bytes = theirs(9, LdapOp::SearchResultDone(result));
    let read = parsed(&bytes).result().unwrap();
    assert_eq!((read.rc, read.matched.as_str(), read.text.as_str()), (4, "DC=x", "size limit"));
    let uris = vec!["ldap://a/DC=x".to_owned(), "ldap://b".to_owned()];
    let bytes = theirs(9, LdapOp::SearchResultReference(LdapSearchResultReference { uris: uris.clone() }));
    let read = parsed(&bytes);
    assert_eq!((read.op, texts(read.content)), (op::REFERENCE, Some(uris)));

    let controls = [Control::ShowDeleted, Control::SdFlags(SdParts::Dacl)];
    let request = Search::new("DC=x", Scope::Base, "(cn=*)", &[]);
    let bytes = message(5, &search(&request).unwrap(), &controls);
    let read = parsed(&bytes);
    assert_eq!(read.control("1.2.840.113556.1.4.417"), Some(Some(&[][..])));
    assert_eq!(read.control("1.2.840.113556.1.4.801"), Some(Some(&[0x30, 3, 2, 1, 4][..])));
    // Both are sent critical.
    assert_eq!(bytes.windows(3).filter(|w| *w == [BOOLEAN, 1, 0xff]).count(), 2);
    assert!(search(&Search::new("", Scope::Base, "(((", &[])).is_none());
}

#[test]
fn what_is_nearly_a_message_is_refused() {
    let done = ber::element(op::DONE, &[0x0a, 1, 0, 4, 0, 4, 0]);
    let with = |id: &[u8], rest: &[u8]| [id, done.as_slice(), rest].concat();
    let good = [2, 1, 5];
    for (what, content, expected) in [
        ("whole", with(&good, &[]), Some(5)),
        ("with a misplaced name", with(&good, &[MISPLACED_NAME, 1, b'1']), Some(5)),
        ("with empty controls", with(&good, &[CONTROLS, 0]), Some(5)),
        ("an id below zero", with(&[2, 1, 0x80], &[]), None),
        ("an id too large", with(&[2, 5, 0, 0x80, 0, 0, 0], &[]), None),
        ("the largest id", with(&[2, 4, 0x7f, 0xff, 0xff, 0xff], &[]), Some(i32::MAX)),
        ("an id that is text", with(&[4, 1, 5], &[]), None),
        ("no operation", good.to_vec(), None),
        ("a second operation", with(&good, &done), None),
        ("something after it", with(&good, &[0x80, 1, b'x']), None),
        ("nothing", Vec::new(), None),
    ] {
        assert_eq!(Message::parse(&content).map(|m| m.id), expected, "{what}");
    }
    for (what, content) in [
        ("no code", vec![]),
        ("a code that is a number", vec![2, 1, 0, 4, 0, 4, 0]),
        ("a code below zero", vec![0x0a, 1, 0xff, 4, 0, 4, 0]),
        ("no text", vec![0x0a, 1, 0, 4, 0]),
        ("referrals that are no text", vec![0x0a, 1, 10, 4, 0, 4, 0, 0xa3, 3, 2, 1, 0]),
    ] {
        let bytes = [&good[..], &ber::element(op::DONE, &content)].concat();
        assert!(Message::parse(&bytes).unwrap().result().is_none(), "{what}");
    }
}

/// Sequences in sequences, as deep as a message can hold them, cost no stack.
#[test]
fn depth_is_no_matter() {
    let mut deep = Vec::new();
    for _ in 0..20_000 {
        deep = ber::element(SEQUENCE, &deep);
        deep.truncate(200_000);
    }
    let content = [&[2, 1, 5][..], &ber::element(op::ENTRY, &deep)].concat();
    assert!(RawEntry::parse(Message::parse(&content).unwrap().content).is_none());
}
