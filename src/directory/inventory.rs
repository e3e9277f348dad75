//! One tenant as collected: every object of AD and of Entra once, memberships as numbers into them, and what is known
//! of the domain, the tenant, Cloud Sync and the Connect servers. Absent is never the same as empty or false.

use super::connect::ConnectServer;
use super::{Arena, GroupType, ObjectGuid, Rows, Sid, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A property that Graph may leave out, send as null, or send as a truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tri {
    /// Not in the input: unknown.
    #[default]
    Absent,
    Null,
    False,
    True,
}

impl Tri {
    pub fn known(self) -> Option<Option<bool>> {
        match self {
            Tri::Absent => None,
            Tri::Null => Some(None),
            Tri::False => Some(Some(false)),
            Tri::True => Some(Some(true)),
        }
    }
    pub fn from_known(value: Option<Option<bool>>) -> Self {
        match value {
            None => Tri::Absent,
            Some(None) => Tri::Null,
            Some(Some(false)) => Tri::False,
            Some(Some(true)) => Tri::True,
        }
    }
    pub fn is_true(self) -> bool {
        self == Tri::True
    }
    pub fn or(self, other: Tri) -> Tri {
        if self == Tri::Absent { other } else { self }
    }
}

/// Index of "no such row".
pub const NONE: u32 = u32::MAX;

/// A security identifier as the domain part's number and the relative id; `domain == NONE` is no SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SidRef {
    pub domain: u32,
    pub rid: u32,
}

impl Default for SidRef {
    fn default() -> Self {
        SidRef { domain: NONE, rid: 0 }
    }
}

impl SidRef {
    pub fn is_some(self) -> bool {
        self.domain != NONE
    }
}

/// The domain parts of all SIDs, each once.
#[derive(Debug, Default)]
pub struct SidTable {
    domains: Vec<Sid>,
    index: std::collections::HashMap<Sid, u32>,
    last: (String, u32),
}

impl SidTable {
    pub fn add(&mut self, sid: &Sid) -> SidRef {
        let (Some(domain), Some(rid)) = (sid.domain(), sid.rid()) else { return SidRef::default() };
        SidRef { domain: self.domain(&domain), rid }
    }
    fn domain(&mut self, domain: &Sid) -> u32 {
        if let Some(&known) = self.index.get(domain) {
            return known;
        }
        let new = self.domains.len() as u32;
        self.domains.push(domain.clone());
        self.index.insert(domain.clone(), new);
        new
    }
    /// From text; no SID where the text is none. Most SIDs of a domain follow one another, so the last domain is tried first.
    pub fn add_text(&mut self, text: &str) -> SidRef {
        if let Some((domain, rid)) = text.rsplit_once('-')
            && domain == self.last.0
            && let Ok(rid) = rid.parse::<u32>()
        {
            return SidRef { domain: self.last.1, rid };
        }
        let Some(sid) = Sid::parse(text) else { return SidRef::default() };
        let found = self.add(&sid);
        if let Some(domain) = self.domains.get(found.domain as usize) {
            self.last = (domain.to_string(), found.domain);
        }
        found
    }
    /// The number of a SID whose domain part is known.
    pub fn find(&self, sid: &Sid) -> Option<SidRef> {
        Some(SidRef { domain: *self.index.get(&sid.domain()?)?, rid: sid.rid()? })
    }
    pub fn get(&self, sid: SidRef) -> Option<Sid> {
        self.domains.get(sid.domain as usize)?.with_rid(sid.rid)
    }
}

/// What sort of AD object; `Missing` is a name that members or memberOf mention but no entry describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AdClass {
    Group,
    User,
    Computer,
    ManagedServiceAccount,
    Contact,
    ForeignSecurityPrincipal,
    Container,
    Other,
    Missing,
}

#[derive(Debug, Clone, Copy)]
pub struct AdObject {
    pub dn: Text,
    /// Nil where the input has none.
    pub guid: ObjectGuid,
    pub sid: SidRef,
    pub sam_account_name: Text,
    pub class: AdClass,
    /// Row in `Ad::groups`, or `NONE`.
    pub group: u32,
    /// Row in `Ad::descriptors`, or `NONE`.
    pub security: u32,
}

/// How far a member list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Completeness {
    /// The whole list.
    Complete,
    /// Ranges are missing, or pages were cut.
    Partial,
    /// The input has no member list of this group at all.
    #[default]
    Absent,
}

#[derive(Debug, Clone, Copy)]
pub struct AdGroup {
    pub object: u32,
    pub group_type: Option<GroupType>,
    pub admin_description: Text,
    /// msDS-ExternalDirectoryObjectId.
    pub edoi: Text,
    pub display_name: Text,
    pub description: Text,
    pub mail: Text,
    pub has_proxy_addresses: bool,
    pub admin_count: bool,
    /// msDS-ObjectSoa.
    pub object_soa: Text,
    pub when_changed: Text,
    pub members: Completeness,
    /// Two entries of the input contradict each other about this object.
    pub conflict: bool,
}

/// What the input tells of the domain and forest beyond groups and principals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdEnvironment {
    /// Naming contexts of domains seen: DN of each domain root with entries in the input.
    pub domains: Vec<String>,
    /// `objectVersion` of CN=Schema (87 is Windows Server 2016).
    pub schema_version: Option<i64>,
    /// lDAPDisplayNames of attribute definitions that the input shows.
    pub schema_attributes: Vec<String>,
    /// True where some object carries the attribute (in its exact LDAP name, lower case).
    pub attributes_seen: Vec<String>,
    /// `Some(true)` where the Recycle Bin feature is enabled for the forest.
    pub recycle_bin: Option<bool>,
    /// Domain controllers: DNS name or DN, and operating system.
    pub domain_controllers: Vec<DomainController>,
    /// `CN=Cloud,CN=SOA-Policies,CN=System,…`: the values of msDS-Settings; `None` where the object was not seen.
    pub soa_policy: Option<Vec<String>>,
    /// Whether CN=SOA-Policies or CN=System was part of the export, so that a missing policy is known to be missing.
    pub soa_policy_searched: bool,
    /// Whether the Global Catalog was searched for second carriers of an anchor.
    pub global_catalog_searched: bool,
    /// Objects other than groups that carry an anchor.
    pub other_carriers: Vec<Carrier>,
    /// The export fell short (a size limit, a cut search), so that an object that is not in it may well exist.
    pub partial: bool,
    /// Groups and users that entries describe.
    pub groups: u64,
    pub users: u64,
    /// The controller that was read, where the collection was live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<Controller>,
    /// DNS names of the forest's domains, by its crossRef objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forest_domains: Vec<String>,
    /// What the domains are called before the backslash of an account's name: DNS name to NetBIOS name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub netbios_names: BTreeMap<String, String>,
    /// Of those, the ones that were searched for second carriers in `adminDescription`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains_searched: Vec<String>,
}

/// The domain controller that a live collection was pinned to, and how far its database had got when it began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Controller {
    pub dns_name: String,
    /// Its NTDS settings object.
    pub ds_service_name: String,
    /// Of its database: update sequence numbers mean nothing beside another one.
    pub invocation_id: ObjectGuid,
    pub highest_committed_usn: u64,
    pub default_naming_context: String,
    /// Functional levels: 7 is Windows Server 2016.
    pub domain_level: Option<i64>,
    pub forest_level: Option<i64>,
    pub controller_level: Option<i64>,
    pub global_catalog: bool,
}

/// An object that is no group and yet carries `Group_…` in `adminDescription` or EDOI.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Carrier {
    pub dn: String,
    pub attribute: String,
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DomainController {
    pub name: String,
    pub operating_system: Option<String>,
}

#[derive(Debug, Default)]
pub struct Ad {
    /// True where the input has an AD part at all.
    pub present: bool,
    pub objects: Vec<AdObject>,
    pub groups: Vec<AdGroup>,
    /// Row i: direct members of `groups[i]`, as object numbers, ascending.
    pub members: Rows,
    /// Row i: what `memberOf` of `groups[i]` names, as object numbers.
    pub member_of: Rows,
    /// Distinct security descriptors, self-relative.
    pub descriptors: Vec<Vec<u8>>,
    pub environment: AdEnvironment,
}

impl Ad {
    /// Collected, and nothing known to be missing: an object that it lacks does not exist there.
    pub fn is_whole(&self) -> bool {
        self.present && !self.environment.partial
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EntraKind {
    User,
    Group,
    Device,
    ServicePrincipal,
    Contact,
    /// A type this program has no rule for.
    Other,
    /// The input does not say what it is.
    #[default]
    Unknown,
}

#[derive(Debug, Clone, Copy)]
pub struct EntraObject {
    pub id: ObjectGuid,
    pub kind: EntraKind,
    /// Row in `Entra::groups` or `Entra::users`; `NONE` for an object that is only mentioned as a member.
    pub detail: u32,
    pub name: Text,
}

/// `onPremisesObjectIdentifier`, or another identifier that may be missing, null or unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identifier {
    #[default]
    Absent,
    Null,
    Guid(ObjectGuid),
    /// A value that is neither GUID text nor the base64 of one.
    Unreadable(Text),
}

#[derive(Debug, Clone, Copy)]
pub struct EntraUser {
    pub object: u32,
    pub synced: Tri,
    pub on_premises_id: Identifier,
    /// `Some(default)` where the property is null, `None` where it is absent.
    pub sid: Option<SidRef>,
}

/// `writebackConfiguration` of a group (Graph beta).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writeback {
    pub is_enabled: Tri,
    /// `onPremisesGroupType`; `Text::NONE` where null or absent.
    pub group_type: Text,
}

#[derive(Debug, Clone, Copy)]
pub struct EntraGroup {
    pub object: u32,
    pub display_name: Text,
    pub description: Text,
    pub mail_nickname: Text,
    pub security_enabled: Tri,
    pub mail_enabled: Tri,
    /// `groupTypes` contains `Unified`.
    pub unified: Tri,
    /// `groupTypes` contains `DynamicMembership`.
    pub dynamic: Tri,
    /// `membershipRuleProcessingState` is `Paused`; `Null` where the property is null.
    pub paused: Tri,
    pub synced: Tri,
    pub role_assignable: Tri,
    pub management_restricted: Tri,
    /// `onPremisesSyncBehavior.isCloudManaged`.
    pub cloud_managed: Tri,
    pub writeback: Writeback,
    pub sid: Option<SidRef>,
    /// Some on-premises identifier is set although the group may not be synchronised.
    pub has_on_premises_identity: bool,
    pub deleted: bool,
    pub members: Completeness,
    pub conflict: bool,
    /// Rows of `Entra::extensions`: first and count.
    pub extensions: (u32, u16),
}

/// A licence the tenant has (`subscribedSkus`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sku {
    pub sku_part_number: String,
    pub service_plans: Vec<String>,
}

/// What the input tells of the tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tenant {
    pub id: Option<String>,
    pub display_name: Option<String>,
    pub default_domain: Option<String>,
    /// `features.groupWriteBackEnabled`: group writeback V2.
    pub group_writeback: Option<bool>,
    /// `features.unifiedGroupWritebackEnabled`: group writeback V1.
    pub unified_group_writeback: Option<bool>,
    /// `configuration.writebackConfiguration.unifiedGroupContainer` (beta).
    pub writeback_container: Option<String>,
    /// `configuration.synchronizationClientVersion` (beta).
    pub connect_version: Option<String>,
    pub skus: Option<Vec<Sku>>,
    /// Which Graph collections the input has, by their file kind (`groups`, `users`, `deletedItems`, …) with the
    /// number of objects read.
    pub collections: BTreeMap<String, u64>,
    /// Those of the collections that fell short, so that an object that is not in them may well exist.
    pub partial_collections: Vec<String>,
    /// Properties of groups that at least one group of the input carries.
    pub group_properties: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Entra {
    pub objects: Vec<EntraObject>,
    pub groups: Vec<EntraGroup>,
    pub users: Vec<EntraUser>,
    /// Row i: direct members of `groups[i]`, as object numbers, ascending.
    pub members: Rows,
    /// Extension properties of groups: name and value.
    pub extensions: Vec<(Text, Text)>,
    pub tenant: Tenant,
}

impl Entra {
    pub fn has(&self, collection: &str) -> bool {
        self.tenant.collections.contains_key(collection)
    }
    /// Collected, and nothing of it missing: what it lacks does not exist.
    pub fn has_all(&self, collection: &str) -> bool {
        self.has(collection) && !self.tenant.partial_collections.iter().any(|c| c == collection)
    }
}

/// Cloud Sync as Graph returns it; `None` where the input has no such file. The bodies are kept as they came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudSync {
    pub service_principals: Option<Vec<serde_json::Value>>,
    pub jobs: Option<Vec<serde_json::Value>>,
    pub schemas: Option<Vec<serde_json::Value>>,
    pub assignments: Option<Vec<Assignment>>,
    pub agents: Option<Vec<serde_json::Value>>,
    /// What the service says its mapping language knows (`schema/functions`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<Vec<serde_json::Value>>,
    /// What it says its scope filters know (`schema/filterOperators`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_operators: Option<Vec<serde_json::Value>>,
    /// `SyncNotificationSettings` of the configurations: threshold and recipients; nothing else of their secrets is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Vec<serde_json::Value>>,
    /// What the tenant's own evaluator of the mapping language answered (`schema/parseExpression`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expressions: Option<Vec<Evaluation>>,
    /// Kinds of file (`jobs`, `appRoleAssignedTo`, …) whose list is known not to be whole.
    pub partial: Vec<String>,
}

/// One expression as the tenant evaluated it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evaluation {
    pub expression: String,
    /// What it was evaluated over; an attribute that is not among them had no value.
    pub attributes: Vec<(String, Vec<String>)>,
    /// The group that these are of; absent where they were made up to settle an open point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub evaluated: bool,
    pub result: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Assignment {
    pub principal_id: String,
    pub principal_type: Option<String>,
    pub app_role_id: Option<String>,
    pub resource_id: Option<String>,
}

/// Everything that was collected of one tenant.
#[derive(Debug, Default)]
pub struct Inventory {
    pub text: Arena,
    pub sids: SidTable,
    pub ad: Ad,
    pub entra: Entra,
    pub cloud_sync: CloudSync,
    pub connect: Vec<ConnectServer>,
    pub problems: Vec<crate::report::model::Problem>,
}

impl Inventory {
    pub fn dn(&self, object: u32) -> &str {
        self.ad.objects.get(object as usize).and_then(|o| self.text.get(o.dn)).unwrap_or("")
    }
    pub fn ad_object(&self, group: &AdGroup) -> &AdObject {
        &self.ad.objects[group.object as usize]
    }
    pub fn entra_object(&self, group: &EntraGroup) -> &EntraObject {
        &self.entra.objects[group.object as usize]
    }
    /// Takes the Entra half of another Inventory, whose own half is empty here.
    pub fn take_entra(&mut self, other: Inventory) {
        let by = self.text.append(other.text);
        let sids: Vec<SidRef> =
            other.sids.domains.iter().map(|d| SidRef { domain: self.sids.domain(d), rid: 0 }).collect();
        let sid = |old: SidRef| match sids.get(old.domain as usize) {
            Some(new) => SidRef { rid: old.rid, ..*new },
            None => old,
        };
        let mut entra = other.entra;
        for object in &mut entra.objects {
            object.name = object.name.moved(by);
        }
        for user in &mut entra.users {
            user.sid = user.sid.map(sid);
            if let Identifier::Unreadable(text) = &mut user.on_premises_id {
                *text = text.moved(by);
            }
        }
        for group in &mut entra.groups {
            group.sid = group.sid.map(sid);
            let texts = [
                &mut group.display_name,
                &mut group.description,
                &mut group.mail_nickname,
                &mut group.writeback.group_type,
            ];
            for text in texts {
                *text = text.moved(by);
            }
        }
        for (name, value) in &mut entra.extensions {
            (*name, *value) = (name.moved(by), value.moved(by));
        }
        self.entra = entra;
    }
    /// Objects of both sides, as the memory bound counts them.
    pub fn object_count(&self) -> usize {
        self.ad.objects.len() + self.entra.objects.len()
    }
    pub fn membership_count(&self) -> usize {
        self.ad.members.total() + self.entra.members.total()
    }
}
