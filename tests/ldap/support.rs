//! Connections to the double, and searches read to their end.

use crate::wire::{PASSWORD, USER, Wire};
use groupshift::config::{Ad, Bind, Settings};
use groupshift::ldap::{Connector, Entry, Fault, Pages, Scope, Search, Session};
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
pub async fn fault(session: &Session, search: Search) -> Fault {
    let (_, end) = drain(session.search(search)).await;
    match end {
        Ok(_) => panic!("the search ended with success"),
        Err(fault) => fault,
    }
}
