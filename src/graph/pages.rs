//! A list, page by page. The next link is followed on the configured host only, and never in a circle.

use super::client::{Graph, Method, malformed, shown};
use super::fault::{Fault, FaultKind};
use serde::Deserialize;
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// More pages than any tenant has.
const MOST: u64 = 10_000_000;

/// One page: the body as it came, and where the list goes on.
#[derive(Debug, Clone)]
pub struct Page {
    pub bytes: Vec<u8>,
    pub has_next: bool,
    /// At the end of a delta: where changes go on from.
    pub delta: Option<String>,
}

/// The links of a page; the rest is skipped over.
#[derive(Deserialize)]
struct Links {
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    delta: Option<String>,
}

/// A list that is being read.
pub struct Pages {
    graph: Graph,
    start: String,
    next: Option<String>,
    seen: HashSet<u64>,
    last_body: u64,
}

impl Pages {
    pub(super) fn new(graph: Graph, path: &str) -> Pages {
        Pages { graph, start: path.to_owned(), next: Some(path.to_owned()), seen: HashSet::new(), last_body: 0 }
    }

    /// The next page; `None` after the last, never because something failed.
    pub async fn next(&mut self) -> Result<Option<Page>, Fault> {
        let Some(path) = self.next.take() else { return Ok(None) };
        let name = format!("GET {}", shown(&path));
        let circle = |words: &str| {
            Fault::new(FaultKind::Link, &name, words.to_owned())
                .hint("Start again; if it stays so, something between here and Graph gives wrong answers.")
        };
        if !self.seen.insert(xxh3_64(path.as_bytes())) || self.seen.len() as u64 > MOST {
            return Err(circle("the pages of the list go round in a circle"));
        }
        let body = self.graph.send(self.graph.request(Method::Get, &path, None)?).await?;
        let links: Links = serde_json::from_slice(&body.bytes).map_err(|e| malformed(&name, &e))?;
        // Two pages in a row that are alike to the letter, their links included, are one page given twice.
        let hash = xxh3_64(&body.bytes);
        if links.next.is_some() && hash == self.last_body {
            return Err(circle("the same page came twice"));
        }
        self.last_body = hash;
        self.next = links.next.filter(|l| !l.is_empty());
        Ok(Some(Page { bytes: body.bytes, has_next: self.next.is_some(), delta: links.delta }))
    }

    /// Begins again from the first page, after an expired page token.
    pub fn restart(&mut self) {
        self.next = Some(self.start.clone());
        self.seen.clear();
        self.last_body = 0;
    }
}
