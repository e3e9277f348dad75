//! What the groups were before the cutover, and what was approved to become of them: from a plan, or from the snapshots
//! of a run (in the store, or an exported copy) together with the plan that it ran.

use super::model::{Against, AgainstKind};
use crate::cutover::record::{SnapshotKind, WriteState};
use crate::cutover::store::{COPY_SCHEMA, Run, Store, object_from_json};
use crate::directory::{Anchor, GroupType, ObjectGuid, Sid};
use crate::error::{Error, Place, Result};
use crate::plan::Plan;
use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};
use std::path::Path;

/// A group as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FormerGroup {
    pub guid: ObjectGuid,
    /// Entra object id.
    pub id: Option<ObjectGuid>,
    pub sid: Option<Sid>,
    pub dn: String,
    /// The DN that the plan says it will have; `None` where the plan could not tell, or there is none.
    pub approved_dn: Option<String>,
    pub display_name: Option<String>,
    /// Known from snapshots only.
    pub account_name: Option<String>,
    pub group_type: Option<GroupType>,
    pub members: FormerMembers,
    pub wave: Option<String>,
    /// No wave holds it: a run keeps a snapshot of every anchored group, so that it can tell what it did not touch.
    pub outside: bool,
    /// When the run last wrote to it, or else when its snapshot was taken: what is changed later is not the run's doing.
    pub since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum FormerMembers {
    #[default]
    Unknown,
    Count(u64),
    /// Their DNs.
    List(Vec<String>),
}

impl FormerMembers {
    pub fn count(&self) -> Option<u64> {
        match self {
            FormerMembers::Unknown => None,
            FormerMembers::Count(n) => Some(*n),
            FormerMembers::List(list) => Some(list.len() as u64),
        }
    }
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Former {
    pub kind: AgainstKind,
    pub name: String,
    pub sha256: Option<String>,
    pub taken: Option<String>,
    groups: Vec<FormerGroup>,
    by_guid: HashMap<ObjectGuid, u32>,
    by_id: HashMap<ObjectGuid, u32>,
    /// Object ids of groups that no wave holds and that AD had all the same; `None` where nothing tells.
    pub outside: Option<HashSet<ObjectGuid>>,
}

impl Former {
    pub fn new(kind: AgainstKind, name: impl Into<String>, groups: Vec<FormerGroup>) -> Self {
        let known = |g: &ObjectGuid| !g.is_nil();
        let by_guid =
            groups.iter().enumerate().filter(|(_, g)| known(&g.guid)).map(|(i, g)| (g.guid, i as u32)).collect();
        let by_id = groups.iter().enumerate().filter_map(|(i, g)| Some((g.id?, i as u32))).collect();
        Former { kind, name: name.into(), groups, by_guid, by_id, ..Former::default() }
    }

    /// Of a plan. `name` is for the reader: its file's name.
    pub fn of_plan(plan: &Plan, name: impl Into<String>) -> Self {
        let of = |wave: &crate::plan::model::Wave, g: &crate::plan::model::PlannedGroup| FormerGroup {
            guid: ObjectGuid::parse(&g.object_guid).unwrap_or_default(),
            id: ObjectGuid::parse(&g.object_id),
            sid: g.sid.as_deref().and_then(Sid::parse),
            dn: g.dn.clone(),
            approved_dn: g.predicted.dn.clone(),
            display_name: g.display_name.clone(),
            account_name: None,
            group_type: g.group_type.map(GroupType),
            members: FormerMembers::Count(g.members),
            wave: Some(wave.name.clone()),
            outside: false,
            since: None,
        };
        let groups = plan.waves.iter().flat_map(|wave| wave.groups.iter().map(move |g| of(wave, g))).collect();
        let mut former = Former::new(AgainstKind::Plan, name, groups);
        former.sha256 = Some(plan.sha256.clone());
        former.taken = Some(plan.bundle.created.clone());
        former.outside = Some(outside(plan));
        former
    }

    /// Of a run: its snapshots, each verified as it is read, and its plan.
    pub fn of_run(run: &Run) -> Result<Self> {
        let (record, plan) = (run.record()?, run.plan()?);
        let planned = Former::of_plan(&plan, "");
        let mut written: HashMap<String, DateTime<Utc>> = HashMap::new();
        for write in run.writes()? {
            let at = write.settled.unwrap_or(write.meant);
            if matches!(write.state, WriteState::Done | WriteState::Undone | WriteState::Intended) {
                let last = written.entry(write.intent.object).or_insert(at);
                *last = (*last).max(at);
            }
        }
        let (mut groups, mut seen, mut first) = (Vec::new(), HashSet::new(), None);
        for snapshot in run.snapshots()?.iter().filter(|s| s.kind == SnapshotKind::AdGroup) {
            if !seen.insert(snapshot.object.clone()) {
                continue; // the first is the state before
            }
            first = first.or(Some(snapshot.taken));
            let body = run.snapshot(SnapshotKind::AdGroup, &snapshot.object)?;
            let Some((_, body)) = body else { continue };
            let object = object_from_json(&body)?;
            let plan = planned.by_guid(object.guid);
            let anchors = ["adminDescription", crate::cutover::port::STAMP];
            let anchor = anchors.iter().find_map(|name| Anchor::parse(object.text(name)?));
            let id = plan.and_then(|p| p.id).or(anchor.map(|a| a.0));
            let last = [Some(object.guid), id].into_iter().flatten().filter_map(|k| written.get(&k.to_string())).max();
            groups.push(FormerGroup {
                guid: object.guid,
                id,
                sid: object.sid(),
                dn: object.dn.clone(),
                approved_dn: plan.and_then(|p| p.approved_dn.clone()),
                display_name: object.text("displayName").map(str::to_owned),
                account_name: object.text("sAMAccountName").map(str::to_owned),
                group_type: object.group_type(),
                members: FormerMembers::List(object.texts("member").map(str::to_owned).collect()),
                wave: plan.and_then(|p| p.wave.clone()),
                outside: plan.is_none(),
                since: last.copied().or(Some(snapshot.taken)),
            });
        }
        if groups.is_empty() {
            return Err(Error::failed(format!("the run {} has no snapshot of a group yet", record.id))
                .hint("Audit against the plan instead: groupshift audit --against PLAN"));
        }
        let mut former = Former::new(AgainstKind::Snapshot, record.id, groups);
        former.sha256 = Some(run.chain_head()?.1);
        former.taken = first.map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        former.outside = planned.outside;
        Ok(former)
    }

    /// What `--against` names: a plan's file, the folder of an exported copy, or the id of a run in the store. `now` is
    /// when the copy is looked at.
    pub fn open(what: &str, store: &Path, now: DateTime<Utc>) -> Result<Self> {
        let path = Path::new(what);
        if path.is_file() {
            let plan = crate::plan::read(path)?;
            let name = path.file_name().map_or_else(|| what.to_owned(), |n| n.to_string_lossy().into_owned());
            return Ok(Former::of_plan(&plan, name));
        }
        if path.is_dir() {
            return Self::of_folder(path, now);
        }
        if store.join(crate::cutover::store::FILE).exists() {
            let store = Store::open_existing(store)?;
            if store.runs()?.iter().any(|run| run.id == what) {
                return Self::of_run(&store.run_to_look_at(Some(what))?);
            }
        }
        Err(Error::usage("--against names no plan, no exported snapshots and no run of the store")
            .at(Place::file(path))
            .hint("Give it plan.json, the folder that groupshift snapshot export wrote, or a run's id (groupshift snapshot list)."))
    }

    fn of_folder(dir: &Path, now: DateTime<Utc>) -> Result<Self> {
        let plan = dir.join("plan.json");
        let manifest = std::fs::read(dir.join("manifest.json")).ok();
        let schema = manifest.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let is_copy = schema.is_some_and(|v| v.get("schema").and_then(|s| s.as_str()) == Some(COPY_SCHEMA));
        if is_copy {
            // Taken over into a store of its own, which verifies every file of the copy first.
            let own = tempfile::tempdir().map_err(|e| Error::io("create a folder in", &std::env::temp_dir(), e))?;
            let store = Store::open(&own.path().join("store"))?;
            return Self::of_run(&store.adopt(dir, None, "audit", now)?);
        }
        if dir.join(crate::cutover::store::FILE).exists() {
            return Self::of_run(&Store::open_existing(dir)?.run_to_look_at(None)?);
        }
        if plan.is_file() {
            return Ok(Former::of_plan(&crate::plan::read(&plan)?, "plan.json"));
        }
        Err(Error::usage("this folder holds neither a plan nor snapshots of a run").at(Place::file(dir)).hint(
            "Give --against plan.json, the folder that groupshift snapshot export wrote, or a run's id (groupshift snapshot list).",
        ))
    }

    pub fn groups(&self) -> &[FormerGroup] {
        &self.groups
    }
    pub fn get(&self, index: u32) -> Option<&FormerGroup> {
        self.groups.get(index as usize)
    }
    pub fn position_of_guid(&self, guid: ObjectGuid) -> Option<u32> {
        self.by_guid.get(&guid).copied()
    }
    pub fn position_of_id(&self, id: ObjectGuid) -> Option<u32> {
        self.by_id.get(&id).copied()
    }
    fn by_guid(&self, guid: ObjectGuid) -> Option<&FormerGroup> {
        self.get(self.position_of_guid(guid)?)
    }
    pub fn against(&self) -> Against {
        Against {
            kind: self.kind,
            name: Some(self.name.clone()),
            sha256: self.sha256.clone(),
            taken: self.taken.clone(),
            groups: self.groups.iter().filter(|g| !g.outside).count() as u64,
        }
    }
}

/// Groups that the plan leaves where they are, and that AD has.
fn outside(plan: &Plan) -> HashSet<ObjectGuid> {
    let in_ad = plan.outside.iter().filter(|o| o.dn.is_some());
    in_ad.filter_map(|o| ObjectGuid::parse(o.object_id.as_deref()?)).collect()
}
