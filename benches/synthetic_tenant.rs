//! Writes a synthetic tenant of any size into a folder that `groupshift collect --offline` reads:
//! `cargo run --release --example synthetic-tenant -- --groups 100000 --memberships 5000000 --users 200000 --out DIR`

mod synthetic;

use clap::Parser;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use synthetic::{Form, Plan, Size, generate};

/// Writes a synthetic tenant as exported files, for measurements.
#[derive(Parser)]
struct Arguments {
    /// Written-back groups.
    #[arg(long, default_value_t = 100_000)]
    groups: u64,
    /// Direct memberships in Entra; AD has a few per cent less, since some users have no AD account.
    #[arg(long, default_value_t = 5_000_000)]
    memberships: u64,
    /// Users of the tenant.
    #[arg(long, default_value_t = 200_000)]
    users: u64,
    /// The same seed gives the same tenant.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Groups and users as JSON Lines instead of Graph response bodies.
    #[arg(long)]
    json_lines: bool,
    /// Leave cloudsync/ out.
    #[arg(long)]
    no_cloud_sync: bool,
    /// The folder to write, empty or absent.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { groups, memberships, users, seed, json_lines, no_cloud_sync, out } = Arguments::parse();
    let plan = Plan::new(Size { groups, memberships, users, seed })?;
    let done = generate(&plan, &out, Form { json_lines, no_cloud_sync })?;
    let megabytes = |bytes: u64| bytes / 1_000_000;
    writeln!(
        std::io::stderr(),
        "AD: {} groups, {} users, {} memberships, {} MB\nEntra: {} groups, {} users, {} memberships, {} MB\n\
         Cloud Sync: {} MB\nfaulty groups: {}",
        done.ad.groups,
        done.ad.users,
        done.ad.memberships,
        megabytes(done.ad.bytes),
        done.entra.groups,
        done.entra.users,
        done.entra.memberships,
        megabytes(done.entra.bytes),
        megabytes(done.cloud_sync_bytes),
        done.faulty,
    )?;
    Ok(())
}
