//! The reader of Active Directory alone: counts, reads, resolves every member to an object and keeps all of it in memory,
//! as `collect` does, but asks for nothing that only Active Directory answers, and writes no bundle.
//! `ad-reader --config FILE --base DN [--usn N]` prints what it read as JSON.

use clap::Parser;
use groupshift::collect::live::ad::{Dialer, Feed, GROUP, Pool, Scanned, Task, scan};
use groupshift::config::{self, Secret};
use groupshift::error::Result;
use groupshift::ldap::Connector;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Reads a domain into memory, for measurements.
#[derive(Parser)]
struct Arguments {
    /// A groupshift.toml with [ad].
    #[arg(long)]
    config: PathBuf,
    /// The domain's DN.
    #[arg(long)]
    base: String,
    /// The server's highest sequence number, where it has none to tell; a small one means a small domain.
    #[arg(long, default_value_t = u64::MAX)]
    usn: u64,
    /// Without pages, as `collect` reads a small domain from a server that does not limit its answers.
    #[arg(long)]
    unpaged: bool,
}

async fn read(arguments: &Arguments) -> Result<serde_json::Value> {
    let config = config::load_here(Some(&arguments.config))?;
    let ad = &config.settings.ad;
    let connector = Connector::new(ad, || config.fetch(Secret::AdPassword, "the account"))?;
    let place = Path::new(connector.address()).to_owned();
    let pool = Pool::new(Dialer { connector, pin: None }, ad.connections as usize);
    if arguments.unpaged {
        pool.seems_unlimited();
    }
    let started = Instant::now();
    let task = Task {
        pool: &pool,
        base: &arguments.base,
        usn: arguments.usn,
        group_attributes: GROUP,
        group_controls: &[],
        tell: &|_| {},
    };
    let read = scan(task, Feed::new(place)).await?;
    let scanned = started.elapsed();
    let Scanned { feed, partitions, groups, principals, repeats } = read;
    // Settling, which looks into these lists once more, is not done here; `collect` lets go of them where it is done.
    drop((groups, principals));
    let Feed { mut builder, mut inventory, read: objects, seen, .. } = feed;
    drop(seen);
    builder.settle(&mut inventory);
    builder.finish(&mut inventory);
    Ok(json!({
        "partitions": partitions.len(),
        "expected": partitions.iter().map(|p| p.expected).sum::<u64>(),
        "read": objects.iter().sum::<u64>(),
        "groups": inventory.ad.groups.len(),
        "objects": inventory.ad.objects.len(),
        "memberships": inventory.ad.members.total(),
        "repeats": repeats,
        "scanSeconds": scanned.as_secs_f64(),
        "seconds": started.elapsed().as_secs_f64(),
    }))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(read(&arguments)).map_err(|e| e.to_string())?;
    writeln!(std::io::stdout(), "{summary}")?;
    Ok(())
}
