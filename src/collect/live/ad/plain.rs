//! The reader alone: given searches, read beside one another into one Inventory, without controls that only Active
//! Directory knows, and without count or settling. For directories that are no domain controllers, as measurements use.

use super::feed::{Batch, Feed};
use super::link::{Read, Trouble};
use crate::directory::Inventory;
use crate::error::{Error, Result};
use crate::ldap::{Connector, Search};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Batches that may wait for the consumer.
const AHEAD: usize = 8;

/// Reads what these searches find, each over a connection of its own.
pub async fn read_plainly(connector: &Connector, searches: &[Search]) -> Result<Inventory> {
    let feed = Feed::new(PathBuf::from(connector.address()));
    let keys = feed.builder.keys();
    let (out, batches) = mpsc::channel(AHEAD);
    let consumer = tokio::task::spawn_blocking(move || feed.run(batches));
    let readers = searches.iter().map(|search| {
        let out = out.clone();
        async move {
            let session = connector.connect_to_read().await?;
            let mut pages = session.search::<Read>(search.clone());
            while let Some(page) = pages.next().await? {
                let mut read = Vec::with_capacity(page.len());
                for entry in page {
                    if !entry.cut.is_empty() {
                        return Err(
                            Error::failed("the server cut a list of values, which only a scan completes").into()
                        );
                    }
                    read.push(entry);
                }
                if out.send(Batch::of(keys, None, None, read)).await.is_err() {
                    return Err(Error::failed("the reading was stopped").into());
                }
            }
            Ok::<(), Trouble>(())
        }
    });
    let done = futures_util::future::try_join_all(readers).await;
    drop(out);
    let mut feed = consumer.await.map_err(|e| Error::failed(format!("the consumer broke down: {e}")))??;
    done?;
    feed.builder.settle(&mut feed.inventory);
    let mut inventory = feed.inventory;
    feed.builder.finish(&mut inventory);
    Ok(inventory)
}
