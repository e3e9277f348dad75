//! One server from its sources: every value with where it was read, the more credible source first.

use super::export::{GlobalSettings, read_bool, read_connector, read_global_settings, read_rule};
use super::layout::{CONNECTORS, Entry, RULES, SETTINGS, ServerFiles, entries};
use super::pending::read_pending_exports;
use super::state::ConnectState;
use crate::directory::connect::{ConnectServer, Connector, Fact, Origin, Source, SyncRule, is_newer};
use crate::error::{Error, Place, Result};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type When = Option<DateTime<Utc>>;

/// The first label of the computer name, in lower case: exports give the short name, scripts may give either.
pub(super) fn short_name(state: &ConnectState) -> Option<String> {
    state.computer_name.as_deref().map(first_label).filter(|n| !n.is_empty())
}

fn first_label(name: &str) -> String {
    name.split('.').next().unwrap_or_default().trim().to_lowercase()
}

/// What an export folder holds.
#[derive(Default)]
struct Export {
    settings: Option<GlobalSettings>,
    connectors: Option<Vec<Connector>>,
    rules: Option<Vec<SyncRule>>,
    /// Folders that are there but empty.
    empty: Vec<&'static str>,
}

pub(super) fn merge(files: &ServerFiles, states: Vec<(PathBuf, ConnectState)>) -> Result<ConnectServer> {
    let mut server = ConnectServer::default();
    let export = files.export.as_deref().map(read_export).transpose()?;
    let export_name = export.as_ref().and_then(|e| e.settings.as_ref()?.server.clone());
    let state_name = states.iter().find_map(|(_, s)| s.computer_name.clone().filter(|n| !n.trim().is_empty()));
    if let (Some(a), Some(b)) = (&export_name, &state_name)
        && first_label(a) != first_label(b)
    {
        return Err(Error::input(Place::file(&files.folder), format!("the export is of {a}, the state file of {b}"))
            .hint("Put the files of each Connect server into a folder of its own: connect/<server>/…"));
    }
    server.name = state_name.or(export_name).or_else(|| files.name.clone()).unwrap_or_else(|| "Connect server".into());

    if let (Some(export), Some(folder)) = (export, &files.export) {
        add_export(&mut server, export, shown(files, folder));
    }
    for (path, state) in states {
        add_state(&mut server, &path, state, shown(files, &path))?;
    }
    for path in &files.pending_exports {
        let shown = shown(files, path);
        let pending = read_pending_exports(path, &shown)?;
        let holds = counted(pending.objects.len(), "pending object");
        server.sources.push(Source { origin: Origin::PendingExports, path: shown, at: None, holds });
        server.pending_exports.push(pending);
    }
    for path in &files.policies {
        let holds = "a policy of the wizard, not judged".to_owned();
        server.sources.push(Source { origin: Origin::Policy, path: shown(files, path), at: None, holds });
    }
    for path in &files.unread {
        server.problems.push(format!("{}: not a file that this program reads; it was left out", shown(files, path)));
    }
    server.collected_at = server.sources.iter().filter_map(|s| s.at).max();
    Ok(server)
}

/// The path below the server's folder, with forward slashes on every platform. Of a file from elsewhere the name only,
/// since a bundle tells no paths of the machine that made it.
fn shown(files: &ServerFiles, path: &Path) -> String {
    let name = path.file_name().map(Path::new).unwrap_or(path);
    let below = path.strip_prefix(&files.folder).unwrap_or(name);
    let parts: Vec<_> = below.iter().map(|p| p.to_string_lossy()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn read_export(folder: &Path) -> Result<Export> {
    let mut export = Export::default();
    for entry in entries(folder, folder)?.into_iter().filter(|e| e.is_dir) {
        let xml = |entry: &Entry| !entry.is_dir && entry.name.to_ascii_lowercase().ends_with(".xml");
        let inside: Vec<Entry> = entries(&entry.path, folder)?.into_iter().filter(xml).collect();
        if entry.name.eq_ignore_ascii_case(CONNECTORS) {
            let read: Result<Vec<_>> = inside.iter().map(|e| read_connector(&e.path)).collect();
            export.connectors = Some(read?).filter(|c| !c.is_empty());
            if export.connectors.is_none() {
                export.empty.push(CONNECTORS);
            }
        } else if entry.name.eq_ignore_ascii_case(RULES) {
            let read: Result<Vec<_>> = inside.iter().map(|e| read_rule(&e.path)).collect();
            export.rules = Some(read?).filter(|r| !r.is_empty());
            if export.rules.is_none() {
                export.empty.push(RULES);
            }
        } else if entry.name.eq_ignore_ascii_case(SETTINGS) {
            let file = inside.iter().find(|e| e.name.eq_ignore_ascii_case("MV.xml"));
            export.settings = file.map(|e| read_global_settings(&e.path)).transpose()?;
            if export.settings.is_none() {
                export.empty.push(SETTINGS);
            }
        }
    }
    Ok(export)
}

fn add_export(server: &mut ConnectServer, export: Export, path: String) {
    let at = export.settings.as_ref().and_then(|s| s.exported_at);
    let mut holds = Vec::new();
    for part in export.empty {
        server.problems.push(format!("{path}/{part}: nothing to read in this folder of the export"));
    }
    if let Some(settings) = export.settings {
        holds.push(counted(settings.parameters.len(), "global setting"));
        server.metaverse_attributes = settings.metaverse_attributes;
        add_settings(server, &settings.parameters, Origin::Export, at);
    }
    if let Some(connectors) = export.connectors {
        holds.push(counted(connectors.len(), "connector"));
        add_connectors(server, connectors, Origin::Export, at);
    }
    if let Some(rules) = export.rules {
        holds.push(counted(rules.len(), "rule"));
        add_rules(server, rules, Origin::Export, at);
    }
    server.sources.push(Source { origin: Origin::Export, path, at, holds: holds.join(", ") });
}

fn add_state(server: &mut ConnectServer, path: &Path, state: ConnectState, shown: String) -> Result<()> {
    let at = state.collected_at;
    let mut holds = Vec::new();
    server.nonce = state.nonce.filter(|n| !n.trim().is_empty()).or(server.nonce.take());
    server.version.observe_some(state.connect_version, Origin::State, at);
    if let Some(s) = state.scheduler {
        holds.push("the scheduler".to_owned());
        server.staging_mode.observe_some(s.staging_mode_enabled, Origin::State, at);
        let scheduler = &mut server.scheduler;
        scheduler.sync_cycle_enabled.observe_some(s.sync_cycle_enabled, Origin::State, at);
        scheduler.suspended.observe_some(s.scheduler_suspended, Origin::State, at);
        scheduler.maintenance_enabled.observe_some(s.maintenance_enabled, Origin::State, at);
        scheduler.in_progress.observe_some(s.sync_cycle_in_progress, Origin::State, at);
        scheduler.next_policy.observe_some(s.next_sync_cycle_policy_type, Origin::State, at);
        scheduler.interval.observe_some(s.currently_effective_sync_cycle_interval, Origin::State, at);
        scheduler.next_start.observe_some(s.next_sync_cycle_start, Origin::State, at);
    }
    if let Some(settings) = state.global_settings {
        holds.push(counted(settings.len(), "global setting"));
        add_settings(server, &settings, Origin::State, at);
    }
    if let Some(features) = state.company_features {
        holds.push(counted(features.len(), "company feature"));
        server.company_features.get_or_insert_default().extend(features);
    }
    if let Some(attributes) = state.metaverse_attributes {
        holds.push(counted(attributes.len(), "metaverse attribute"));
        server.metaverse_attributes = Some(BTreeSet::from_iter(attributes));
    }
    if let Some(agent) = state.provisioning_agent {
        match (agent.installed, agent.version.filter(|v| !v.trim().is_empty())) {
            (_, Some(version)) => server.provisioning_agent.observe(Some(version), Origin::State, at),
            (Some(false), None) => server.provisioning_agent.observe(None, Origin::State, at),
            // An agent without a version: that there is one is known, which one is not.
            (Some(true), None) => server.problems.push(format!("{shown}: a provisioning agent of unknown version")),
            (None, None) => {}
        }
    }
    if let Some(connectors) = state.connectors {
        holds.push(counted(connectors.len(), "connector"));
        let read: Result<Vec<_>> = connectors.into_iter().map(|c| c.into_connector(path)).collect();
        add_connectors(server, read?, Origin::State, at);
    }
    if let Some(rules) = state.rules {
        holds.push(counted(rules.len(), "rule"));
        let read: Result<Vec<_>> = rules.into_iter().map(|r| r.into_rule(path)).collect();
        add_rules(server, read?, Origin::State, at);
    }
    for error in state.errors.unwrap_or_default() {
        let (section, message) = (error.section.unwrap_or_default(), error.message.unwrap_or_default());
        server.problems.push(format!("{shown}: {section} could not be read on the server: {message}"));
    }
    server.sources.push(Source { origin: Origin::State, path: shown, at, holds: holds.join(", ") });
    Ok(())
}

/// Observes a setting unless this very source gave the value before, from a better place.
fn once<T: PartialEq>(fact: &mut Fact<T>, value: Option<T>, from: Origin, at: When) {
    if !fact.0.iter().any(|o| (o.from, o.at) == (from, at)) {
        fact.observe_some(value, from, at);
    }
}

fn add_settings(server: &mut ConnectServer, settings: &BTreeMap<String, String>, from: Origin, at: When) {
    if settings.is_empty() {
        return;
    }
    let text = |name: &str| {
        let found = settings.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned());
        found.filter(|v| !v.is_empty())
    };
    let mut odd = Vec::new();
    let mut flag = |name: &str| {
        let value = text(name)?;
        let read = read_bool(&value);
        if read.is_none() {
            odd.push(format!("the global setting {name} is {value:?}, neither True nor False"));
        }
        read
    };
    once(&mut server.staging_mode, flag("Microsoft.Synchronize.StagingMode"), from, at);
    let enabled = flag("Microsoft.Synchronize.SynchronizationSchedule");
    once(&mut server.scheduler.sync_cycle_enabled, enabled, from, at);
    once(&mut server.scheduler.suspended, flag("Microsoft.Synchronize.SchedulerSuspended"), from, at);
    once(&mut server.scheduler.maintenance_enabled, flag("Microsoft.Synchronize.MaintenanceEnabled"), from, at);
    let threshold = match flag("Microsoft.OptionalFeature.ExportDeletionThreshold") {
        Some(true) => {
            text("Microsoft.OptionalFeature.ExportDeletionThresholdValue").and_then(|v| v.parse().ok()).map(Some)
        }
        Some(false) => Some(None),
        None => None,
    };
    once(&mut server.deletion_threshold, threshold, from, at);
    once(&mut server.version, text("Microsoft.Synchronize.ServerConfigurationVersion"), from, at);
    once(&mut server.scheduler.next_policy, text("Microsoft.Synchronize.SynchronizationPolicy"), from, at);
    once(&mut server.scheduler.interval, text("Microsoft.Synchronize.TimeInterval"), from, at);
    let next = text("Microsoft.Synchronize.NextStartTime").and_then(|t| DateTime::parse_from_rfc2822(&t).ok());
    once(&mut server.scheduler.next_start, next.map(|t| t.with_timezone(&Utc)), from, at);
    once(&mut server.source_anchor, text("Microsoft.SynchronizationOption.AnchorAttribute"), from, at);
    // These may be missing or empty: both mean that none is set.
    once(&mut server.writeback_container, Some(text("Microsoft.GroupWriteBack.Container")), from, at);
    once(&mut server.writeback_forest, Some(text("Microsoft.GroupWriteBack.Forest")), from, at);
    for (key, value) in settings {
        if let (Some(name), Some(value)) = (key.strip_prefix("Microsoft.OptionalFeature."), read_bool(value)) {
            once(server.optional_features.entry(name.to_owned()).or_default(), Some(value), from, at);
        }
    }
    server.problems.extend(odd);
}

fn source_time(server: &ConnectServer, origin: Option<Origin>) -> When {
    server.sources.iter().filter(|s| Some(s.origin) == origin).filter_map(|s| s.at).max()
}

fn add_connectors(server: &mut ConnectServer, connectors: Vec<Connector>, from: Origin, at: When) {
    let older = (server.connectors_from.unwrap_or(from), source_time(server, server.connectors_from));
    if server.connectors.is_none() || is_newer((from, at), older) {
        server.connectors = Some(connectors);
        server.connectors_from = Some(from);
    }
}

fn add_rules(server: &mut ConnectServer, mut rules: Vec<SyncRule>, from: Origin, at: When) {
    rules.sort_by(|a, b| (a.precedence, a.id, &a.name).cmp(&(b.precedence, b.id, &b.name)));
    for pair in rules.windows(2) {
        if pair[0].id.is_some() && pair[0].id == pair[1].id {
            server.problems.push(format!("{}: two rules with the id of {:?}", from.as_str(), pair[0].name));
        }
    }
    let Some(old) = server.rules.take() else {
        (server.rules, server.rules_from) = (Some(rules), Some(from));
        return;
    };
    let old_from = server.rules_from.unwrap_or(from);
    let old_at = source_time(server, Some(old_from));
    server.problems.extend(differences((old_from, &old), (from, &rules)));
    if is_newer((from, at), (old_from, old_at)) {
        (server.rules, server.rules_from) = (Some(rules), Some(from));
    } else {
        server.rules = Some(old);
    }
}

/// Rules that two sources describe differently, by id.
fn differences(a: (Origin, &[SyncRule]), b: (Origin, &[SyncRule])) -> Vec<String> {
    let by_id = |rules: &'_ [SyncRule]| -> BTreeMap<_, usize> {
        rules.iter().enumerate().filter_map(|(i, r)| Some((r.id?, i))).collect()
    };
    let (ids_a, ids_b) = (by_id(a.1), by_id(b.1));
    let mut found = Vec::new();
    for (id, &i) in &ids_a {
        let rule = &a.1[i];
        let Some(&j) = ids_b.get(id) else {
            found.push(format!("the rule {:?} ({id}) is in the {} only", rule.name, a.0.as_str()));
            continue;
        };
        // A description says nothing about what a rule does.
        let other = SyncRule { description: rule.description.clone(), ..b.1[j].clone() };
        if *rule != other {
            let (from_a, from_b) = (a.0.as_str(), b.0.as_str());
            found.push(format!("the rule {:?} ({id}) differs between the {from_a} and the {from_b}", rule.name));
        }
    }
    for (id, &j) in ids_b.iter().filter(|(id, _)| !ids_a.contains_key(id)) {
        found.push(format!("the rule {:?} ({id}) is in the {} only", b.1[j].name, b.0.as_str()));
    }
    found
}
