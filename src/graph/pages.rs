//! A list, page by page. The next link is followed on the configured host only, and never in a circle.

use super::client::{Body, Graph, Method, malformed, shown};
use super::fault::{Fault, FaultKind};
use memchr::memmem;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// More pages than any tenant has.
const MOST: u64 = 10_000_000;
/// The same page so often in a row, under ever new links, is no list. A change feed may tell a page again; that is for
/// the reader to bear.
const ALIKE: u32 = 3;

/// One page: what was made of its body, and where the list goes on.
#[derive(Debug, Clone)]
pub struct Page<T = Vec<u8>> {
    pub content: T,
    pub has_next: bool,
    /// At the end of a delta: where changes go on from.
    pub delta: Option<String>,
}

/// What surrounds the objects of a page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Links {
    pub next: Option<String>,
    pub delta: Option<String>,
    /// How many objects there are, where the page is a list.
    pub objects: u64,
}

/// A page as it came.
pub struct Answer {
    pub bytes: Vec<u8>,
    status: u16,
    name: String,
}

impl Answer {
    /// The links of the page; the rest is skipped over. Fails for what is no page, or one that broke off.
    pub fn links(&self) -> Result<Links, Fault> {
        let frame: Frame = serde_json::from_slice(&self.bytes).map_err(|e| malformed(&self.name, &e))?;
        if frame.error.is_some() {
            return Err(Fault::answer(&self.name, self.status, None, &self.bytes).broken_off());
        }
        Ok(Links { next: frame.next, delta: frame.delta, objects: frame.value.0 })
    }
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    delta: Option<String>,
    #[serde(default)]
    value: Length,
    /// A service that fails while it answers ends a page that began well with an error.
    #[serde(default)]
    error: Option<IgnoredAny>,
}

/// The length of a list, without the list.
#[derive(Default)]
struct Length(u64);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = Length;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Length, E> {
                Ok(Length(0))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Length, A::Error> {
                let mut length = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(length))
            }
        }
        deserializer.deserialize_any(Counting)
    }
}

/// What a page holds beside its link to the next one, which differs from page to page whatever else they hold.
fn content_hash(bytes: &[u8]) -> u64 {
    const KEY: &[u8] = b"\"@odata.nextLink\"";
    let Some(at) = memmem::find(bytes, KEY).map(|at| at + KEY.len()) else { return xxh3_64(bytes) };
    let rest = &bytes[at..];
    let Some(open) = rest.iter().position(|b| *b == b'"').map(|open| open + 1) else { return xxh3_64(bytes) };
    let mut close = open;
    while close < rest.len() && rest[close] != b'"' {
        close += if rest[close] == b'\\' { 2 } else { 1 };
    }
    xxh3_64(&bytes[..at]) ^ xxh3_64(&rest[close.min(rest.len())..]).rotate_left(1)
}

/// A list that is being read.
pub struct Pages {
    graph: Graph,
    start: String,
    next: Option<String>,
    seen: HashSet<u64>,
    last_body: u64,
    alike: u32,
}

impl Pages {
    pub(super) fn new(graph: Graph, path: &str) -> Pages {
        Pages {
            graph,
            start: path.to_owned(),
            next: Some(path.to_owned()),
            seen: HashSet::new(),
            last_body: 0,
            alike: 0,
        }
    }

    /// The next page; `None` after the last, never because something failed.
    pub async fn next(&mut self) -> Result<Option<Page>, Fault> {
        self.next_as(|answer| {
            let links = answer.links()?;
            Ok((answer.bytes, links))
        })
        .await
    }

    /// The same, read by `read` in one go with its links.
    pub async fn next_as<T, E: From<Fault>>(
        &mut self,
        read: impl FnOnce(Answer) -> Result<(T, Links), E>,
    ) -> Result<Option<Page<T>>, E> {
        let Some(path) = self.next.take() else { return Ok(None) };
        let name = format!("GET {}", shown(&path));
        let circle = |words: &str| {
            Fault::new(FaultKind::Link, &name, words.to_owned())
                .hint("Start again; if it stays so, something between here and Graph gives wrong answers.")
        };
        if !self.seen.insert(xxh3_64(path.as_bytes())) || self.seen.len() as u64 > MOST {
            return Err(circle("the pages of the list go round in a circle").into());
        }
        let Body { bytes, status, .. } = self.graph.send(self.graph.request(Method::Get, &path, None)?).await?;
        // A list in the place of an object would pass for a page without links.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(Fault::new(FaultKind::Malformed, &name, "the answer is a bare list, not a page").into());
        }
        let hash = content_hash(&bytes);
        let (content, links) = read(Answer { bytes, status, name: name.clone() })?;
        if links.next.is_some() && links.objects > 0 {
            self.alike = if hash == self.last_body { self.alike + 1 } else { 0 };
            self.last_body = hash;
            if self.alike >= ALIKE {
                return Err(circle("the same page comes again and again").into());
            }
        }
        self.next = links.next.filter(|l| !l.is_empty());
        Ok(Some(Page { content, has_next: self.next.is_some(), delta: links.delta }))
    }

    /// Begins again from the first page, after an expired page token.
    pub fn restart(&mut self) {
        self.next = Some(self.start.clone());
        self.seen.clear();
        (self.last_body, self.alike) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_compared_without_their_links() {
        let page = |link: &str, id: &str| format!(r#"{{"@odata.nextLink" : "{link}", "value":[{{"id":"{id}"}}]}}"#);
        let hash = |link: &str, id: &str| content_hash(page(link, id).as_bytes());
        assert_eq!(hash("https://a/1", "x"), hash("https://a/2?b=\\\"c", "x"));
        assert_ne!(hash("https://a/1", "x"), hash("https://a/1", "y"));
        // What is cut or odd is hashed all the same.
        let whole = page("https://a/1", "x");
        for cut in 0..whole.len() {
            content_hash(&whole.as_bytes()[..cut]);
        }
    }

    #[test]
    fn the_length_of_a_list_and_its_links_are_read() {
        let read =
            |text: &str| serde_json::from_str::<Frame>(text).map(|l| (l.value.0, l.next.is_some(), l.error.is_some()));
        assert_eq!(read(r#"{"value":[{"a":[1]},2],"@odata.nextLink":"x"}"#).unwrap(), (2, true, false));
        assert_eq!(read(r#"{"id":"a single object"}"#).unwrap(), (0, false, false));
        assert_eq!(read(r#"{"value":[1],"error":{"code":"x"}}"#).unwrap(), (1, false, true));
        assert!(read(r#"{"value":[1"#).is_err());
    }
}
