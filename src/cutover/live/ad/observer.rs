//! The whole look: both sides read as `collect` reads them, AD from the pinned controller. What falls short is an error:
//! nothing is concluded from a part.

use super::LiveDirectory;
use crate::collect::live::{self, Note, Wishes, ad, entra};
use crate::collect::offline::Collected;
use crate::config::Config;
use crate::cutover::port::Observer;
use crate::directory::Inventory;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ldap::Connector;

/// Takes what the readers say while they read.
pub type Telling = Box<dyn Fn(Note<'_>) + Send + Sync>;

/// Looks at the domain, the tenant and the Connect servers' files.
pub struct LiveObserver {
    config: Config,
    connector: Connector,
    pin: ad::link::Pin,
    graph: Option<Graph>,
    tell: Telling,
}

impl LiveObserver {
    /// Reads AD from the controller of `directory`, and Entra through `graph`: both are signed in already.
    pub fn new(config: &Config, directory: &LiveDirectory, graph: Option<Graph>, tell: Telling) -> LiveObserver {
        LiveObserver {
            config: config.clone(),
            connector: directory.connector().clone(),
            pin: directory.reader_pin(),
            graph,
            tell,
        }
    }
}

impl Observer for LiveObserver {
    async fn look(&self) -> Result<Inventory> {
        let ad = ad::Reader::over(&self.config, self.connector.clone(), Some(self.pin.clone()));
        let entra = self.graph.clone().map(|graph| entra::Reader::over(&self.config, graph));
        let collected = live::gather(&self.config, Some(ad), entra, &Wishes::default(), &*self.tell).await?;
        whole(collected)
    }
}

/// The Inventory, where every part of it was read to its end.
fn whole(collected: Collected) -> Result<Inventory> {
    let certificate = &collected.certificate;
    let short: Vec<String> = certificate
        .parts
        .iter()
        .filter_map(|part| Some(format!("{} {}: {}", part.source, part.partition, part.shortfall.as_deref()?)))
        .collect();
    match short.as_slice() {
        [] if certificate.complete => Ok(collected.inventory),
        [] => Err(fell_short("a part of it was not read")),
        [first, rest @ ..] => {
            let more = rest.iter().fold(fell_short(first), |error, line| error.hint(format!("Also: {line}")));
            Err(more)
        }
    }
}

fn fell_short(what: &str) -> Error {
    Error::failed(format!("the look at both sides falls short: {what}"))
        .hint("Nothing was concluded from it. Mend what is named, or wait for a quieter time, then: groupshift cutover resume")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Certificate, Part};

    fn collected(shortfalls: &[Option<&str>], complete: bool) -> Collected {
        let part = |shortfall: &Option<&str>| Part {
            source: "ad".to_owned(),
            partition: "groups".to_owned(),
            shortfall: shortfall.map(str::to_owned),
            ..Part::default()
        };
        Collected {
            inventory: Inventory::default(),
            sources: Vec::new(),
            certificate: Certificate {
                complete,
                parts: shortfalls.iter().map(part).collect(),
                not_looked_at: Vec::new(),
            },
            raw: Vec::new(),
        }
    }

    #[test]
    fn what_falls_short_is_named_and_nothing_is_concluded() {
        for (shortfalls, complete, words) in [
            (vec![None], true, None),
            (vec![None, Some("3 of 4 read")], false, Some("groups: 3 of 4 read")),
            (vec![Some("a"), Some("b")], false, Some("groups: a")),
            (vec![None], false, Some("not read")),
        ] {
            let answer = whole(collected(&shortfalls, complete));
            match words {
                None => assert!(answer.is_ok()),
                Some(words) => {
                    let error = answer.err().unwrap();
                    assert!(error.to_string().contains(words) && !error.hints.is_empty(), "{error}");
                    assert_eq!(error.hints.len(), shortfalls.iter().flatten().count().max(1));
                }
            }
        }
    }
}
