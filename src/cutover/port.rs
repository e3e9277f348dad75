//! What a run touches, as seen by the engine: five ports, each with a real and a twin implementation. They answer what
//! is, and do one guarded write at a time; every decision is the engine's.

use crate::directory::inventory::Inventory;
use crate::directory::{GroupType, ObjectGuid, Sid};
use crate::error::{Error, Result};
pub use crate::ldap::Change;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The attribute by which Cloud Sync recognises a group.
pub const STAMP: &str = "msDS-ExternalDirectoryObjectId";

/// One AD object with every attribute that the account may read: member lists whole, the security descriptor (owner,
/// group, DACL) under `nTSecurityDescriptor`. Names are spelt as the server spells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectState {
    pub guid: ObjectGuid,
    pub dn: String,
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl ObjectState {
    /// The values of an attribute, by its name without regard to letter case.
    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        if let Some(values) = self.attributes.get(name) {
            return values;
        }
        self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or(&[], |(_, v)| v)
    }
    /// The first value, where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(|v| std::str::from_utf8(v).ok())
    }
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).iter().filter_map(|v| std::str::from_utf8(v).ok())
    }
    pub fn stamp(&self) -> Option<&str> {
        self.text(STAMP)
    }
    pub fn sid(&self) -> Option<Sid> {
        self.values("objectSid").first().and_then(|b| Sid::from_bytes(b))
    }
    pub fn group_type(&self) -> Option<GroupType> {
        self.text("groupType")?.parse::<i32>().ok().map(GroupType)
    }
}

/// The controller that a run is pinned to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// DNS name.
    pub controller: String,
    /// Of its database; another one is another controller, or a restored one.
    pub invocation_id: ObjectGuid,
    pub highest_committed_usn: u64,
    /// DNS name of the domain, as in `contoso.com`.
    pub domain: String,
    /// Its naming context, as in `DC=contoso,DC=com`.
    pub naming_context: String,
}

/// A domain controller or catalog that holds a copy of the domain's groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Controller {
    pub host: String,
    /// Asked as a catalog (port 3269) instead of as a controller of the domain.
    pub catalog: bool,
}

/// Where a value was found when the whole forest was searched for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    pub guid: ObjectGuid,
    pub dn: String,
    /// `msDS-ExternalDirectoryObjectId` or `adminDescription`.
    pub attribute: String,
}

/// What the account may do to one object, as the directory itself reckons it (`allowedAttributesEffective`,
/// `sDRightsEffective`); `None` where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    pub stamp: Option<bool>,
    pub member: Option<bool>,
    pub rename: Option<bool>,
}

/// Why a write came back undone, or in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The guard held: a value to be deleted is not there, or one to be added is there already, or `If-Match` failed.
    Guard,
    /// The account lacks the right.
    Right,
    /// The object is not there.
    Missing,
    /// Nobody knows whether it was done: the connection broke, or the answer did not come.
    Doubt,
    /// The service is busy or throttles for longer than the client waits; nothing was done.
    Busy,
    /// Anything else; nothing was done.
    Other,
}

/// A write that was not, or perhaps not, done.
#[derive(Debug)]
pub struct WriteFault {
    pub refusal: Refusal,
    pub error: Error,
}

impl WriteFault {
    pub fn new(refusal: Refusal, error: Error) -> Self {
        WriteFault { refusal, error }
    }
}

impl From<WriteFault> for Error {
    fn from(fault: WriteFault) -> Self {
        fault.error
    }
}

pub type Written<T = ()> = std::result::Result<T, WriteFault>;

/// Active Directory. Objects are named by objectGUID, so that a rename in between changes nothing. Everything but
/// `stamps_on`, `carriers` happens on the one pinned controller; an implementation that loses its connection makes a new one to the same
/// controller and database or fails.
#[expect(async_fn_in_trait, reason = "the engine runs its futures on one task")]
pub trait Directory {
    /// The pinned controller with its present USN.
    async fn pin(&self) -> Result<Pin>;
    /// Objects whole, in the order asked for; `None` where there is none of that objectGUID.
    async fn read(&self, guids: &[ObjectGuid]) -> Result<Vec<Option<ObjectState>>>;
    /// One object's live children etc. are never read; this finds the object of a name.
    async fn find(&self, dn: &str) -> Result<Option<ObjectState>>;
    /// Every object of the forest that carries one of these anchors (`Group_<id>`), in EDOI by the Global Catalog and in
    /// `adminDescription` in every domain.
    async fn carriers(&self, anchors: &[String]) -> Result<Vec<(String, Carrier)>>;
    /// Every writable controller of the domain, and every catalog of the forest.
    async fn controllers(&self) -> Result<Vec<Controller>>;
    /// The stamps as that controller itself has them, in the order asked for; an error where it cannot be asked.
    async fn stamps_on(&self, controller: &Controller, guids: &[ObjectGuid]) -> Result<Vec<Option<String>>>;
    /// What the account may do to each object.
    async fn rights(&self, guids: &[ObjectGuid]) -> Result<Vec<Rights>>;
    /// Changes one object, all or nothing.
    async fn modify(&self, guid: ObjectGuid, changes: &[Change]) -> Written;
    /// Renames and moves an object; `parent` is the container it stands in afterwards.
    async fn rename(&self, guid: ObjectGuid, rdn: &str, parent: &str) -> Written;
    /// A deleted object that can still be brought back, with what its tombstone keeps.
    async fn deleted(&self, guid: ObjectGuid) -> Result<Option<ObjectState>>;
    /// Brings a deleted object back under this name: same objectGUID and SID. Its attributes and links are the
    /// engine's to restore.
    async fn reanimate(&self, guid: ObjectGuid, dn: &str) -> Written;
    /// Makes a group (the throwaway); returns its objectGUID.
    async fn create(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Written<ObjectGuid>;
}

/// A group of the tenant: its properties as Graph returns them (v1.0, `writebackConfiguration` of beta,
/// extension values), and its direct members by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudGroup {
    pub id: ObjectGuid,
    pub properties: Value,
    /// Sorted.
    pub members: Vec<ObjectGuid>,
}

/// What the tenant's job says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobState {
    pub service_principal: String,
    pub id: String,
    /// `status.code`: `NotConfigured`, `NotRun`, `Active`, `Paused`, `Quarantine`, or what the service says one day.
    pub code: String,
    /// The job as Graph returns it, status and schedule included.
    pub raw: Value,
}

impl JobState {
    /// Whether nothing will be provisioned until somebody starts it.
    pub fn is_at_rest(&self) -> bool {
        ["Paused", "NotRun", "NotConfigured"].iter().any(|c| self.code.eq_ignore_ascii_case(c))
    }
    pub fn in_quarantine(&self) -> bool {
        self.code.eq_ignore_ascii_case("Quarantine")
    }
    /// When the last execution that the service counts as successful ended.
    pub fn last_success(&self) -> Option<DateTime<Utc>> {
        let text = self.raw.pointer("/status/lastSuccessfulExecution/timeEnded")?.as_str()?;
        DateTime::parse_from_rfc3339(text).ok().map(|t| t.to_utc())
    }
    /// When the last execution of any outcome ended, and its `state`.
    pub fn last_execution(&self) -> Option<(DateTime<Utc>, String)> {
        let last = self.raw.pointer("/status/lastExecution")?;
        let at = DateTime::parse_from_rfc3339(last.get("timeEnded")?.as_str()?).ok()?.to_utc();
        Some((at, last.get("state").and_then(Value::as_str).unwrap_or_default().to_owned()))
    }
}

/// One group in the job's scope by assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assigned {
    /// Of the assignment itself.
    pub id: String,
    pub principal: ObjectGuid,
    pub principal_type: Option<String>,
    pub app_role: Option<String>,
}

/// What provisioning one group on demand gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnDemand {
    /// `Success`, `Skipped`, or what else the service says.
    pub result: String,
    pub details: Value,
    pub raw: Value,
}

/// The tenant, through Microsoft Graph.
#[expect(async_fn_in_trait, reason = "the engine runs its futures on one task")]
pub trait Tenant {
    /// Groups with their direct members, in the order asked for; `None` where there is none (or it is deleted).
    async fn groups(&self, ids: &[ObjectGuid]) -> Result<Vec<Option<CloudGroup>>>;
    /// The Cloud Sync job that provisions groups to the domain; `None` where there is none. An error where there are several.
    async fn job(&self) -> Result<Option<JobState>>;
    /// The saved schema, whole.
    async fn schema(&self, job: &JobState) -> Result<Value>;
    /// The saved secrets as Graph shows them: `[{key, value}]`.
    async fn secrets(&self, job: &JobState) -> Result<Value>;
    /// Everything assigned to the job's service principal.
    async fn assignments(&self, job: &JobState) -> Result<Vec<Assigned>>;
    /// Provisioning log entries since then, as Graph returns them.
    async fn logs(&self, job: &JobState, since: DateTime<Utc>) -> Result<Vec<Value>>;
    /// Provisioning agents, as Graph returns them.
    async fn agents(&self) -> Result<Vec<Value>>;
    async fn create_job(&self, domain: &str, template: &str) -> Written<JobState>;
    async fn put_schema(&self, job: &JobState, schema: &Value) -> Written;
    /// `secrets` as read, changed in the values that are to change; never with a masked value.
    async fn put_secrets(&self, job: &JobState, secrets: &Value) -> Written;
    async fn start(&self, job: &JobState) -> Written;
    async fn pause(&self, job: &JobState) -> Written;
    /// `POST …/restart` with these criteria, as in `{"resetScope": "Full"}`.
    async fn restart(&self, job: &JobState, criteria: &Value) -> Written;
    /// Brings groups into the scope, one answer each. One that is there already is no fault.
    async fn assign(&self, job: &JobState, app_role: &str, groups: &[ObjectGuid]) -> Result<Vec<Written>>;
    /// Takes assignments out, by their ids. One that is gone is no fault.
    async fn unassign(&self, job: &JobState, assignments: &[Assigned]) -> Result<Vec<Written>>;
    /// Sets properties of a group: extension values (v1.0) or `writebackConfiguration` (beta).
    async fn update_group(&self, group: ObjectGuid, properties: &Value) -> Written;
    /// Makes an extension property for groups on the application that Cloud Sync reads them from; returns its full name.
    /// One of that name that is there already is the answer. `WritebackEnabled` is Boolean, every other a String.
    async fn create_extension(&self, name: &str) -> Written<String>;
    /// Provisions one group now; with at most five of its members named.
    async fn provision(
        &self,
        job: &JobState,
        rule: &str,
        group: ObjectGuid,
        members: &[ObjectGuid],
    ) -> Written<OnDemand>;
    /// Makes a security group with these members (the throwaway); returns its id. The name is the run's own: a group of
    /// that very name that is there already is the answer, so that a repeated call after a crash makes no second one.
    async fn create_group(&self, name: &str, members: &[ObjectGuid]) -> Written<ObjectGuid>;
}

/// One script of the plan, to be run on a Connect server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub step: String,
    pub kind: String,
    pub server: String,
    /// The script, absolute.
    pub script: PathBuf,
    /// It takes the step back.
    pub undo: bool,
    /// What the evidence has to carry.
    pub nonce: String,
    /// Where the evidence has to lie, absolute; files it names lie beside it.
    pub evidence: PathBuf,
}

/// What became of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The evidence lies where the errand says; the engine reads and judges it.
    Evidence,
    /// It is for a person to do; what to do, in words.
    Waiting(String),
}

/// The Connect servers.
#[expect(async_fn_in_trait, reason = "the engine runs its futures on one task")]
pub trait SyncServer {
    /// Sees to it that the script is run, or says what a person has to do. Called again after a wait.
    async fn perform(&self, errand: &Errand) -> Result<Done>;
}

/// A whole look at both sides, complete or an error: what every comparison rests on.
#[expect(async_fn_in_trait, reason = "the engine runs its futures on one task")]
pub trait Observer {
    async fn look(&self) -> Result<Inventory>;
}

/// How much a line matters to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A heading: a step, a wave.
    Step,
    Info,
    /// One write, done.
    Write,
    Warning,
    Trouble,
}

/// What the operator said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Text(String),
    /// Nobody is there to answer; the message names the flag that does.
    Nobody,
}

/// The person at the terminal, and time.
#[expect(async_fn_in_trait, reason = "the engine runs its futures on one task")]
pub trait Operator {
    fn say(&self, level: Level, text: &str);
    /// Progress of something long: done, of how many.
    fn progress(&self, what: &str, done: u64, of: Option<u64>);
    /// Asks; `flag` is what answers instead where nobody is there.
    async fn ask(&self, question: &str, flag: &str) -> Result<Answer>;
    fn now(&self) -> DateTime<Utc>;
    async fn sleep(&self, time: Duration);
    /// Ctrl-C was pressed, or a stop or pause file lies in the store.
    fn wants_to_stop(&self) -> Option<String>;
}

/// All five, as the engine gets them.
pub struct Ports<D, T, S, L, O> {
    pub directory: D,
    pub tenant: T,
    pub servers: S,
    pub observer: L,
    pub operator: O,
}
