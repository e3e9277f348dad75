//! The Cloud Sync job of a bundle: is there one, whom does it take in, what would it make of a group.

use super::expression::{Attr, Attributes, Outcome, Settled, Value as Word};
use super::schema::SynchronizationSchema;
use super::scope::{Assignment, Scope};
use super::{Current, JobPrediction};
use crate::directory::ObjectGuid;
use crate::directory::inventory::{EntraGroup, Inventory, NONE, Tri};
use serde_json::{Value, json};
use std::collections::HashSet;

/// How Cloud Sync's scope is chosen (`[cloud_sync] scope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeMode {
    /// App role assignments ("selected security groups").
    #[default]
    Selected,
    /// All security groups with an attribute filter.
    Attribute,
}

impl ScopeMode {
    pub fn as_str(self) -> &'static str {
        match self {
            ScopeMode::Selected => "selected",
            ScopeMode::Attribute => "attribute",
        }
    }
}

/// Whether a job provisions Entra groups to AD.
pub enum Job {
    /// The input does not tell.
    NotCollected,
    /// There is none.
    Absent,
    /// There is one, whose mappings the input lacks; why.
    NoSchema(String),
    /// There is one.
    Known(Box<JobPrediction>),
}

/// One predicted value of an existing group.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicted {
    Value(String),
    /// Left as it is.
    Unchanged,
    Unknown {
        candidates: Vec<String>,
        reason: String,
    },
    Error(String),
}

#[derive(Debug, Clone)]
pub struct Projection {
    pub cn: Predicted,
    pub parent: Predicted,
    /// `None` where the job does not map it.
    pub sam_account_name: Option<Predicted>,
}

pub struct CloudView {
    pub job: Job,
    /// There is no job, whatever mappings are put in its place.
    absent: bool,
    mode: ScopeMode,
    assigned: Option<HashSet<ObjectGuid>>,
    /// Whether a group that is not in `assigned` is known not to be assigned.
    all_assignments: bool,
    /// Jobs that write to AD, in short; `None` where jobs were not collected, or not all.
    to_ad: Option<Vec<Value>>,
    /// Names of service principals: the domains their configurations write to.
    principals: Option<Vec<String>>,
    domain: Option<String>,
    /// Extension properties that some group of the input carries.
    extensions: HashSet<String>,
    properties: Vec<String>,
    settled: Settled,
}

impl CloudView {
    /// `domain` is the configured AD domain, where there is one; else the job's name or the bundle tells.
    pub fn build(inventory: &Inventory, mode: ScopeMode, domain: Option<&str>) -> Self {
        let cloud = &inventory.cloud_sync;
        let to_ad: Option<Vec<&Value>> =
            cloud.jobs.as_ref().map(|jobs| jobs.iter().filter(|j| writes_to_ad(j)).collect());
        let principals: Option<Vec<String>> = cloud
            .service_principals
            .as_ref()
            .map(|list| list.iter().filter_map(|p| p.get("displayName")?.as_str().map(str::to_lowercase)).collect());
        let from_ad = inventory.ad.environment.domains.first().cloned();
        let domain = domain.map(str::to_lowercase).or_else(|| match principals.as_deref() {
            Some([one]) => Some(one.clone()),
            _ => from_ad,
        });
        let cut = |kind: &str| cloud.partial.iter().any(|p| p == kind);
        let job = match (&to_ad, &cloud.schemas) {
            (Some(jobs), _) if jobs.is_empty() && cut("jobs") => Job::NotCollected,
            (Some(jobs), _) if jobs.is_empty() => Job::Absent,
            (None, None) => Job::NotCollected,
            (_, None) => Job::NoSchema("the schema was not collected".to_owned()),
            (_, Some(schemas)) => job(schemas, domain.as_deref()),
        };
        CloudView {
            absent: matches!(job, Job::Absent),
            job,
            mode,
            assigned: cloud
                .assignments
                .as_ref()
                .map(|list| list.iter().filter_map(|a| ObjectGuid::parse(&a.principal_id)).collect()),
            all_assignments: !cut("appRoleAssignedTo"),
            to_ad: to_ad.filter(|_| !cut("jobs")).map(|jobs| jobs.into_iter().map(short).collect()),
            principals,
            domain,
            extensions: inventory
                .entra
                .extensions
                .iter()
                .filter_map(|(n, _)| inventory.text.get(*n).map(str::to_lowercase))
                .collect(),
            properties: inventory.entra.tenant.group_properties.clone(),
            settled: Settled::learn(cloud.expressions.as_deref().unwrap_or_default()),
        }
    }

    /// What the tenant's own evaluator has settled of the mapping language.
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Takes these mappings in place of the job's own.
    pub fn use_schema(&mut self, schema: &SynchronizationSchema) {
        let prediction = JobPrediction::new(schema, self.domain.as_deref());
        self.job = match prediction.problem() {
            None => Job::Known(Box::new(prediction)),
            Some(problem) => Job::NoSchema(problem.to_owned()),
        };
    }
    /// True where the input says that there is no job, also when other mappings stand in its place.
    pub fn is_absent(&self) -> bool {
        self.absent
    }
    /// Whether a group (by object number) is assigned to the job.
    pub fn is_assigned(&self, inventory: &Inventory, object: u32) -> Option<bool> {
        let known = self.assigned.as_ref()?.contains(&inventory.entra.objects[object as usize].id);
        if known || self.all_assignments { Some(known) } else { None }
    }
    /// True where no scoping filter stands beside the service's own clause.
    pub fn has_no_filter(&self) -> bool {
        match &self.job {
            Job::Known(prediction) => prediction.has_no_filter(),
            Job::Absent => true,
            Job::NotCollected | Job::NoSchema(_) => false,
        }
    }
    pub fn has_job(&self) -> bool {
        matches!(self.job, Job::NoSchema(_) | Job::Known(_))
    }
    /// Jobs that write to AD, in short.
    pub fn to_ad_jobs(&self) -> Option<&[Value]> {
        self.to_ad.as_deref()
    }
    /// Service principals, by their lower-case names.
    pub fn principals(&self) -> Option<&[String]> {
        self.principals.as_deref()
    }
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Whether the job takes in an Entra group (by object number): `None` where there is no job, `Some(None)` where
    /// that is open.
    pub fn in_scope(&self, inventory: &Inventory, object: u32) -> Option<Option<bool>> {
        if !self.has_job() {
            return None;
        }
        let entry = &inventory.entra.objects[object as usize];
        let assignment = match (self.mode, &self.assigned) {
            (ScopeMode::Attribute, _) => Assignment::All,
            (ScopeMode::Selected, None) => Assignment::Unknown,
            (ScopeMode::Selected, Some(set)) if set.contains(&entry.id) => Assignment::Assigned,
            (ScopeMode::Selected, Some(_)) if self.all_assignments => return Some(Some(false)),
            (ScopeMode::Selected, Some(_)) => Assignment::Unknown,
        };
        let Job::Known(prediction) = &self.job else { return Some(None) };
        if entry.detail == NONE {
            return Some(None);
        }
        let group = &inventory.entra.groups[entry.detail as usize];
        Some(match prediction.scope(&GroupAttributes { inventory, view: self, group }, assignment) {
            Scope::In => Some(true),
            Scope::Out(_) => Some(false),
            Scope::Unknown(_) => None,
        })
    }

    /// What the job would make of an existing group, by its rows (`entra` may be `NONE`); `None` where no job's mappings
    /// are known.
    pub fn project(&self, inventory: &Inventory, ad: u32, entra: u32) -> Option<Projection> {
        let Job::Known(prediction) = &self.job else { return None };
        let object = inventory.ad_object(inventory.ad.groups.get(ad as usize)?);
        let (cn, parent) = crate::directory::split(inventory.text.get(object.dn)?)?;
        let sam = inventory.text.get(object.sam_account_name);
        let current = Current { cn: &cn, parent: &parent, sam };
        let Some(group) = inventory.entra.groups.get(entra as usize) else {
            let open = || Predicted::Unknown {
                candidates: Vec::new(),
                reason: "the Entra group is not in the input".to_owned(),
            };
            return Some(Projection { cn: open(), parent: open(), sam_account_name: None });
        };
        let projected = prediction.project(&GroupAttributes { inventory, view: self, group }, current);
        Some(Projection {
            cn: projected.cn.into(),
            parent: projected.parent.into(),
            sam_account_name: projected.sam_account_name.map(Predicted::from),
        })
    }

    /// What is odd about the mappings.
    pub fn notes(&self) -> Vec<String> {
        match &self.job {
            Job::Known(prediction) => prediction.notes(),
            Job::NoSchema(reason) => vec![reason.clone()],
            Job::NotCollected | Job::Absent => Vec::new(),
        }
    }
    /// The expression of a mapping, as the schema writes it.
    pub fn expression(&self, target: &str) -> Option<&str> {
        let Job::Known(prediction) = &self.job else { return None };
        let mapping = match target {
            "cn" => prediction.cn_mapping(),
            "parentDistinguishedName" => prediction.parent_mapping(),
            _ => prediction.sam_mapping(),
        };
        mapping.map(|m| m.source.as_str())
    }
}

/// The schema that maps groups to AD, among those collected.
fn job(schemas: &[Value], domain: Option<&str>) -> Job {
    let mut problem = "the schema is empty".to_owned();
    for schema in schemas {
        let schema = match serde_json::from_value::<SynchronizationSchema>(schema.clone()) {
            Ok(schema) => schema,
            Err(e) => {
                problem = format!("the schema cannot be read: {e}");
                continue;
            }
        };
        let prediction = JobPrediction::new(&schema, domain);
        match prediction.problem() {
            None => return Job::Known(Box::new(prediction)),
            Some(p) => problem = p.to_owned(),
        }
    }
    Job::NoSchema(problem)
}

/// By its template, which names the direction: `AAD2AD…`, but neither Exchange writeback nor password hashes.
fn writes_to_ad(job: &Value) -> bool {
    let text = |name: &str| job.get(name).and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
    let names = [text("templateId"), text("id")];
    if names.iter().all(String::is_empty) {
        return true;
    }
    names.iter().any(|n| n.starts_with("aad2ad") && !n.contains("exchange") && !n.contains("passwordhash"))
}

fn short(job: &Value) -> Value {
    json!({
        "id": job.get("id"), "templateId": job.get("templateId"),
        "status": job.get("status").and_then(|s| s.get("code")),
    })
}

impl From<Outcome> for Predicted {
    fn from(outcome: Outcome) -> Self {
        let text = |value: Word| value.as_text().map(|t| t.to_string());
        match outcome {
            Outcome::Value(value) => text(value).map_or(Predicted::Unchanged, Predicted::Value),
            Outcome::Drop => Predicted::Unchanged,
            Outcome::Error(text) => Predicted::Error(text),
            Outcome::Unknown { candidates, reason } => {
                Predicted::Unknown { candidates: candidates.into_iter().filter_map(text).collect(), reason }
            }
        }
    }
}

/// An Entra group as the job's source object.
pub struct GroupAttributes<'a> {
    pub inventory: &'a Inventory,
    pub view: &'a CloudView,
    pub group: &'a EntraGroup,
}

impl GroupAttributes<'_> {
    fn missing(&self, name: &str) -> Attr {
        Attr::Unknown(format!("the input has no {name} of the group"))
    }
    fn text(&self, name: &str, text: crate::directory::Text) -> Attr {
        match self.inventory.text.get(text) {
            Some(value) => Attr::Value(value.into()),
            None if self.view.properties.iter().any(|p| p == name) => Attr::Absent,
            None => self.missing(name),
        }
    }
    fn flag(&self, name: &str, value: Tri) -> Attr {
        match value {
            Tri::Absent => self.missing(name),
            Tri::Null => Attr::Absent,
            Tri::False => Attr::Value(Word::Bool(false)),
            Tri::True => Attr::Value(Word::Bool(true)),
        }
    }
    fn extension(&self, name: &str) -> Attr {
        let (first, count) = self.group.extensions;
        let pairs = &self.inventory.entra.extensions[first as usize..first as usize + usize::from(count)];
        let find = |same: &dyn Fn(&str) -> bool| {
            pairs
                .iter()
                .find(|(n, _)| self.inventory.text.get(*n).is_some_and(same))
                .and_then(|(_, v)| self.inventory.text.get(*v))
        };
        match find(&|n| n == name).or_else(|| find(&|n| n.eq_ignore_ascii_case(name))) {
            Some("True") => Attr::Value(Word::Bool(true)),
            Some("False") => Attr::Value(Word::Bool(false)),
            Some(value) => Attr::Value(value.into()),
            // Graph leaves an extension out where it is not set; that no group has it may mean that nobody asked.
            None if self.view.extensions.contains(&name.to_lowercase()) => Attr::Absent,
            None => Attr::Unknown(format!("no group of the input carries {name}; was it exported?")),
        }
    }
}

impl Attributes for GroupAttributes<'_> {
    fn settled(&self) -> Option<&Settled> {
        Some(&self.view.settled)
    }
    fn get(&self, name: &str) -> Attr {
        let g = self.group;
        // Spelled as Graph and the default mappings spell them, which saves the search without regard to case.
        match name {
            "objectId" => return Attr::Value(Word::str(self.inventory.entra_object(g).id.to_string())),
            "displayName" => return self.text("displayName", g.display_name),
            "description" => return self.text("description", g.description),
            _ => {}
        }
        match name.to_ascii_lowercase().as_str() {
            "objectid" | "id" => Attr::Value(Word::str(self.inventory.entra_object(g).id.to_string())),
            "displayname" => self.text("displayName", g.display_name),
            "description" => self.text("description", g.description),
            "mailnickname" => self.text("mailNickname", g.mail_nickname),
            "securityenabled" => self.flag("securityEnabled", g.security_enabled),
            "mailenabled" => self.flag("mailEnabled", g.mail_enabled),
            "dirsyncenabled" | "onpremisessyncenabled" => self.flag("onPremisesSyncEnabled", g.synced),
            "issoftdeleted" => Attr::Value(Word::Bool(g.deleted)),
            lower if lower.starts_with("extension_") => self.extension(name),
            _ => self.missing(name),
        }
    }
}
