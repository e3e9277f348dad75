//! Stamps every anchored group below a container as a cutover does: the real engine over the real directory, with journal
//! and snapshots in a store; only the tenant is the twin's, since stamping asks nothing of it but that no job runs.
//! `stamper --config FILE --plan PLAN --base DN --store DIR` takes the form of its plan from PLAN, and prints what it did
//! and how long it took as JSON.

use clap::Parser;
use groupshift::config::{self, Secret};
use groupshift::cutover::engine::{Ending, Engine, Options};
use groupshift::cutover::live::ad::LiveDirectory;
use groupshift::cutover::port::{Answer, Directory, Level, Operator, Ports};
use groupshift::cutover::record::SnapshotKind;
use groupshift::cutover::store::{Snapshot, Store, object_to_json};
use groupshift::directory::{Anchor, Inventory, ObjectGuid};
use groupshift::error::{Error, Result};
use groupshift::ldap::{Connector, Scope, Search};
use groupshift::plan::{self, Plan};
use groupshift::twin::Twin;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Stamps groups, for measurements.
#[derive(Parser)]
struct Arguments {
    /// A groupshift.toml with [ad].
    #[arg(long)]
    config: PathBuf,
    /// Any plan.json with a step that stamps: its form is used, its groups are not.
    #[arg(long)]
    plan: PathBuf,
    /// The groups' container.
    #[arg(long)]
    base: String,
    /// A folder for the store.
    #[arg(long)]
    store: PathBuf,
}

/// Says nothing, and has the real time.
struct Silent;

impl Operator for Silent {
    fn say(&self, _: Level, _: &str) {}
    fn progress(&self, _: &str, _: u64, _: Option<u64>) {}
    async fn ask(&self, _: &str, _: &str) -> Result<Answer> {
        Ok(Answer::Nobody)
    }
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::Utc::now()
    }
    async fn sleep(&self, time: std::time::Duration) {
        tokio::time::sleep(time).await;
    }
    fn wants_to_stop(&self) -> Option<String> {
        None
    }
}

/// The plan with the one step, for these groups.
fn plan_for(path: &std::path::Path, groups: &[(ObjectGuid, String, Anchor)]) -> Result<Plan> {
    let odd = || Error::failed("this plan has no wave with a group that is stamped");
    let mut plan = plan::read(path)?;
    plan.steps.retain(|step| step.kind == "stamp");
    let step = plan.steps.first().ok_or_else(odd)?.id.clone();
    plan.connect.clear();
    plan.waves.truncate(1);
    let wave = plan.waves.first_mut().ok_or_else(odd)?;
    let like = wave.groups.first().ok_or_else(odd)?.clone();
    let stamp = like.steps.iter().find(|s| s.kind == "stamp").ok_or_else(odd)?.clone();
    wave.groups = groups
        .iter()
        .map(|(guid, dn, anchor)| {
            let mut group = like.clone();
            group.object_guid = guid.to_string();
            group.object_id = anchor.0.to_string();
            group.dn.clone_from(dn);
            let mut own = stamp.clone();
            own.step.clone_from(&step);
            own.writes = Some(anchor.to_string());
            group.steps = vec![own];
            group
        })
        .collect();
    plan.sha256 = String::new();
    plan.sha256 = plan::hash(&plan)?;
    Ok(plan)
}

async fn stamp(arguments: &Arguments) -> Result<serde_json::Value> {
    let config = config::load_here(Some(&arguments.config))?;
    let ad = &config.settings.ad;
    let connector = Connector::new(ad, || config.fetch(Secret::AdPassword, "the account"))?;
    let session = connector.connect().await?;
    let wanted = &["objectGUID", "adminDescription"];
    let search = Search::new(&arguments.base, Scope::Subtree, "(adminDescription=Group_*)", wanted);
    let groups: Vec<(ObjectGuid, String, Anchor)> = session
        .all(search)
        .await?
        .entries
        .iter()
        .filter_map(|e| {
            let guid = e.bytes("objectGUID").and_then(ObjectGuid::from_ad_bytes)?;
            Some((guid, e.dn.clone(), Anchor::parse(e.text("adminDescription")?)?))
        })
        .collect();
    session.close().await;
    let plan = plan_for(&arguments.plan, &groups)?;
    let directory = LiveDirectory::over(&config, connector).await?;
    let store = Store::open(&arguments.store)?;
    let bytes = plan::canonical(&plan)?;
    let run = store.begin_rehearsal(&plan, &bytes, "contoso.test", chrono::Utc::now())?;
    let started = Instant::now();
    let guids: Vec<ObjectGuid> = groups.iter().map(|(guid, ..)| *guid).collect();
    for batch in guids.chunks(100) {
        let bodies: Vec<Snapshot> = directory
            .read(batch)
            .await?
            .into_iter()
            .flatten()
            .map(|state| Snapshot {
                kind: SnapshotKind::AdGroup,
                object: state.guid.to_string(),
                name: state.dn.clone(),
                body: object_to_json(&state),
            })
            .collect();
        run.keep("S03", &bodies, chrono::Utc::now())?;
    }
    let snapshots = started.elapsed();
    let twin = Twin::of(Inventory::default(), &plan, None).ports();
    let ports =
        Ports { directory, tenant: twin.tenant, servers: twin.servers, observer: twin.observer, operator: Silent };
    let options = Options { rehearsal: true, ..Options::default() };
    let started = Instant::now();
    let ending = Engine::new(&ports, &run, &plan, &options).go().await?;
    let stamps = started.elapsed();
    if !matches!(ending, Ending::Done) {
        return Err(Error::failed(format!("the run did not end well: {ending:?}")));
    }
    let done = run.writes()?.iter().filter(|w| w.settled.is_some()).count();
    Ok(json!({
        "groups": groups.len(),
        "written": done,
        "snapshotSeconds": snapshots.as_secs_f64(),
        "stampSeconds": stamps.as_secs_f64(),
    }))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(stamp(&arguments)).map_err(|e| e.to_string())?;
    writeln!(std::io::stdout(), "{summary}")?;
    Ok(())
}
