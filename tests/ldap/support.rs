//! Connections to the double, and searches read to their end.

use crate::wire::{PASSWORD, USER, Wire};
use groupshift::config::{Ad, Bind, Settings};
use groupshift::ldap::{Answer, Connector, Control, Entry, Fault, Pages, ReadSession, Scope, Search, Session};
use secrecy::SecretString;
use std::time::Duration;

pub const BASE: &str = "DC=contoso,DC=test";

pub fn settings(wire: &Wire, url: &str) -> Ad {
    Ad {
        url: Some(url.to_owned()),
        bind: Bind::Simple,
        user: Some(USER.to_owned()),
        ca_file: Some(wire.tls.ca_file.clone()),
        ..Settings::default().ad
    }
}

/// With timeouts that a test can wait for.
pub fn connector_of(ad: &Ad, password: &str) -> Connector {
    let mut connector = Connector::new(ad, || Ok(SecretString::from(password))).unwrap();
    connector.timeouts.connect = Duration::from_secs(10);
    connector.timeouts.answer = Duration::from_millis(700);
    connector
}

pub fn connector(wire: &Wire) -> Connector {
    connector_of(&settings(wire, &wire.url("ldaps")), PASSWORD)
}

pub async fn session(wire: &Wire) -> Session {
    connector(wire).connect().await.unwrap()
}

/// The two sorts of connections, which have to read alike: the library's, and the one that only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Library,
    OwnHand,
}

pub const BOTH: [By; 2] = [By::Library, By::OwnHand];

pub enum Connection {
    Library(Session),
    OwnHand(ReadSession),
}

impl By {
    pub async fn connect(self, connector: &Connector) -> Result<Connection, Fault> {
        match self {
            By::Library => connector.connect().await.map(Connection::Library),
            By::OwnHand => connector.connect_to_read().await.map(Connection::OwnHand),
        }
    }
    pub async fn to(self, wire: &Wire) -> Connection {
        self.connect(&connector(wire)).await.unwrap()
    }
}

impl Connection {
    pub fn search(&self, search: Search) -> Pages {
        match self {
            Connection::Library(session) => session.search(search),
            Connection::OwnHand(session) => session.search(search),
        }
    }
    pub async fn all(&self, search: Search) -> Result<Answer, Fault> {
        match self {
            Connection::Library(session) => session.all(search).await,
            Connection::OwnHand(session) => session.all(search).await,
        }
    }
    pub async fn read(&self, dn: &str, attributes: &[&str], controls: Vec<Control>) -> Result<Option<Entry>, Fault> {
        match self {
            Connection::Library(session) => session.read(dn, attributes, controls).await,
            Connection::OwnHand(session) => session.read(dn, attributes, controls).await,
        }
    }
    pub async fn root_dse(&self, attributes: &[&str]) -> Result<Entry, Fault> {
        match self {
            Connection::Library(session) => session.root_dse(attributes).await,
            Connection::OwnHand(session) => session.root_dse(attributes).await,
        }
    }
    pub async fn who_am_i(&self) -> Result<String, Fault> {
        match self {
            Connection::Library(session) => session.who_am_i().await,
            Connection::OwnHand(session) => session.who_am_i().await,
        }
    }
    pub async fn close(self) {
        match self {
            Connection::Library(session) => session.close().await,
            Connection::OwnHand(session) => session.close().await,
        }
    }
}

pub fn groups() -> Search {
    Search::new(BASE, Scope::Subtree, "(objectClass=group)", &["cn", "member"]).page(10)
}

/// Everything up to the end that the search told, and how it ended.
pub async fn drain(mut pages: Pages) -> (Vec<Entry>, Result<Pages, Fault>) {
    let mut entries = Vec::new();
    loop {
        match pages.next().await {
            Ok(Some(batch)) => entries.extend(batch),
            Ok(None) => return (entries, Ok(pages)),
            Err(fault) => return (entries, Err(fault)),
        }
    }
}

/// The fault of a search that must not succeed.
pub async fn fault(session: &Connection, search: Search) -> Fault {
    let (_, end) = drain(session.search(search)).await;
    match end {
        Ok(_) => panic!("the search ended with success"),
        Err(fault) => fault,
    }
}
