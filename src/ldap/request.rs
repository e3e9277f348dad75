//! What is asked of a server and how it ended: searches and changes as plain data.

use super::control::Control;
use super::entry::Entry;

pub use ldap3::Scope;

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    pub base: String,
    pub scope: Scope,
    pub filter: String,
    pub attributes: Vec<String>,
    pub controls: Vec<Control>,
    /// Entries a page; `None` for one answer without paging.
    pub page: Option<u32>,
    pub size_limit: u32,
}

impl Search {
    /// In pages of 1000, Active Directory's default maximum.
    pub fn new(base: &str, scope: Scope, filter: &str, attributes: &[&str]) -> Search {
        Search {
            base: base.to_owned(),
            scope,
            filter: filter.to_owned(),
            attributes: attributes.iter().map(|a| (*a).to_owned()).collect(),
            controls: Vec::new(),
            page: Some(1000),
            size_limit: 0,
        }
    }
    pub fn with(mut self, control: Control) -> Search {
        self.controls.push(control);
        self
    }
    pub fn page(mut self, size: u32) -> Search {
        self.page = Some(size);
        self
    }
    /// In one answer.
    pub fn unpaged(mut self) -> Search {
        self.page = None;
        self
    }
}

/// The whole answer of one search request.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub entries: Vec<Entry>,
    pub ending: Ending,
}

/// How a search ended: with success, and with what besides entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    pub entries: u64,
    /// Continuation references that were not followed.
    pub referrals: Vec<String>,
    /// Pages that were read.
    pub pages: u64,
    /// DirSync: whether more is to come, and the cookie to go on with.
    pub dir_sync: Option<(bool, Vec<u8>)>,
}

/// One change of a modify operation. What is removed is named, so that the server refuses if it is no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Add {
        attribute: String,
        values: Vec<Vec<u8>>,
    },
    Delete {
        attribute: String,
        values: Vec<Vec<u8>>,
    },
    /// Without a guard; only where the protocol wants it so (the reanimation of a deleted object).
    Replace {
        attribute: String,
        values: Vec<Vec<u8>>,
    },
}
