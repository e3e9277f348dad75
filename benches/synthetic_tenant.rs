//! Writes a synthetic tenant of any size into a folder that `groupshift collect --offline` reads:
//! `cargo run --release --example synthetic-tenant -- --groups 100000 --memberships 5000000 --users 200000 --out DIR`
//!
//! What was written goes to standard output, as JSON.

mod synthetic;

use clap::Parser;
use serde_json::json;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use synthetic::{Form, Plan, Size, Written, generate};

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
    let side = |written: &Written| {
        json!({
            "groups": written.groups,
            "users": written.users,
            "memberships": written.memberships,
            "bytes": written.bytes,
        })
    };
    let summary = json!({
        "groups": groups,
        "memberships": memberships,
        "users": users,
        "seed": seed,
        "ad": side(&done.ad),
        "entra": side(&done.entra),
        "cloudSyncBytes": done.cloud_sync_bytes,
        "faultyGroups": done.faulty,
    });
    writeln!(std::io::stdout(), "{summary:#}")?;
    Ok(())
}
