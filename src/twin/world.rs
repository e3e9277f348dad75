//! What the twin's parts share: the collected state it began with, the clock, switches, and who did what.

use super::ad::Ad;
use super::cloud::Cloud;
use super::cloud_sync::Behaviour;
use super::connect::Connect;
use super::faults::Faults;
use super::operator::Person;
use crate::cutover::port::Controller;
use crate::directory::inventory::Inventory;
use crate::directory::{Dn, ObjectGuid, Sid};
use crate::plan::Plan;
use crate::predict::ScopeMode;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::collections::BTreeSet;
use std::time::Duration;

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The run under test, through its ports.
    Run,
    CloudSync,
    Connect,
    /// Anybody else.
    Foreign,
    /// Anybody else, before a look at the whole that the run has taken since: it was there to be seen.
    Shown,
}

/// What the run's account may do in AD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub stamp: bool,
    pub member: bool,
    pub rename: bool,
    /// Any other attribute.
    pub other: bool,
    pub reanimate: bool,
    pub create: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Rights { stamp: true, member: true, rename: true, other: true, reanimate: true, create: true }
    }
}

/// What the surroundings are like.
#[derive(Debug, Clone)]
pub struct Switches {
    pub rights: Rights,
    /// Groups on which the account may write nothing.
    pub denied: BTreeSet<ObjectGuid>,
    /// Hosts that do not answer.
    pub unreachable: BTreeSet<String>,
    /// How long a change takes to the other controllers; catalogs take twice that.
    pub lag: Duration,
    /// Graph shows secrets with their values hidden.
    pub masked_secrets: bool,
    /// The service lets a program make a configuration.
    pub creates_jobs: bool,
    /// Between two cycles of the job; the first after a start comes after a tenth of it.
    pub cycle: Duration,
    pub connect_cycle: Duration,
    /// After V2 is off, Connect writes every Microsoft 365 group to AD as V1 does.
    pub v1_writes: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Switches {
            rights: Rights::default(),
            denied: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            lag: Duration::from_secs(15),
            masked_secrets: false,
            creates_jobs: true,
            cycle: Duration::from_secs(20 * 60),
            connect_cycle: Duration::from_secs(30 * 60),
            v1_writes: true,
        }
    }
}

/// The whole twin.
pub(crate) struct World {
    /// As collected; what changed since stands in the other parts.
    pub base: Inventory,
    pub now: DateTime<Utc>,
    pub domain: String,
    pub naming_context: String,
    pub controllers: Vec<Controller>,
    pub container: Option<String>,
    pub mode: ScopeMode,
    pub ad: Ad,
    pub cloud: Cloud,
    pub connect: Connect,
    pub switches: Switches,
    pub behaviour: Behaviour,
    pub faults: Faults,
    pub operator: Person,
    /// What the run did that it never may.
    pub broken: Vec<String>,
    /// Makes identifiers; apart from the faults' source, so that a fault changes no name.
    names: fastrand::Rng,
}

impl World {
    pub fn new(base: Inventory, plan: &Plan, seed: Option<u64>) -> World {
        let environment = &base.ad.environment;
        let domain = plan
            .bundle
            .domain
            .clone()
            .or_else(|| plan.job.domain.clone())
            .or_else(|| environment.domains.first().cloned())
            .unwrap_or_default()
            .to_lowercase();
        let labels: Vec<String> = domain.split('.').map(|label| format!("DC={label}")).collect();
        let naming_context = match &environment.controller {
            Some(known) if !known.default_naming_context.is_empty() => known.default_naming_context.clone(),
            _ => labels.join(","),
        };
        let now = DateTime::parse_from_rfc3339(&plan.bundle.created)
            .map_or(DateTime::UNIX_EPOCH, |t| t.to_utc() + TimeDelta::hours(12));
        World {
            now,
            controllers: controllers(&base, &domain),
            container: plan.bundle.writeback_container.clone(),
            mode: if plan.job.scope == "attribute" { ScopeMode::Attribute } else { ScopeMode::Selected },
            ad: Ad::of(&base, now),
            cloud: Cloud::of(&base, plan),
            connect: Connect::of(&base, plan, now),
            domain,
            naming_context,
            switches: Switches::default(),
            behaviour: Behaviour::default(),
            faults: Faults::new(seed),
            operator: Person::default(),
            broken: Vec::new(),
            names: fastrand::Rng::with_seed(0x7477_696e),
            base,
        }
    }

    /// An identifier that nobody has.
    pub fn new_guid(&mut self) -> ObjectGuid {
        ObjectGuid::from_u128(self.names.u128(..) & !(0xf << 76) | 4 << 76)
    }
    /// The next SID of the domain.
    pub fn new_sid(&mut self) -> Option<Sid> {
        let domain = self.ad.domain_sid.clone()?;
        self.ad.last_rid += 1;
        domain.with_rid(self.ad.last_rid)
    }
    /// True for names in the job's domain.
    pub fn in_domain(&self, dn: &str) -> bool {
        Dn::parse(dn).ok().and_then(|dn| dn.dns_domain()).is_none_or(|d| d.eq_ignore_ascii_case(&self.domain))
    }
    /// Writes down a fault or another's doing.
    pub fn note(&mut self, text: String) {
        let at = stamp(self.now);
        self.faults.tell(format!("{at} {text}"));
    }
    /// Lets time pass: cycles of Cloud Sync and Connect fall due in their order.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + TimeDelta::from_std(time).unwrap_or(TimeDelta::zero());
        // A sleep that spans more cycles than this is somebody's mistake, and not worth the wait.
        for _ in 0..1_000 {
            let (job, sync) = (self.cloud.next_cycle(), self.connect.next_cycle());
            match [job, sync].into_iter().flatten().min().filter(|due| *due <= end) {
                Some(due) => {
                    self.now = self.now.max(due);
                    if job == Some(due) { self.job_cycle() } else { self.connect_cycles() }
                }
                None => break,
            }
        }
        self.now = self.now.max(end);
    }
}

/// A moment as Graph and the scripts write it.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Two controllers, the first of them the run's; the second is a catalog as well.
fn controllers(base: &Inventory, domain: &str) -> Vec<Controller> {
    let environment = &base.ad.environment;
    let mut hosts: Vec<String> = environment.controller.iter().map(|c| c.dns_name.clone()).collect();
    let named = environment.domain_controllers.iter().map(|c| &c.name);
    hosts.extend(named.filter(|n| n.contains('.') && !n.contains('=')).cloned());
    hosts.extend([format!("dc1.{domain}"), format!("dc2.{domain}")]);
    let mut seen: Vec<String> = Vec::new();
    for host in hosts.into_iter().filter(|h| !h.is_empty()) {
        if seen.len() < 2 && !seen.iter().any(|s| s.eq_ignore_ascii_case(&host)) {
            seen.push(host);
        }
    }
    let catalog = seen.last().cloned().map(|host| Controller { host, catalog: true });
    seen.into_iter().map(|host| Controller { host, catalog: false }).chain(catalog).collect()
}
