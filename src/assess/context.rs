//! Everything a rule may look at, prepared once for a whole assessment.

use super::cloud::CloudView;
use super::container::{self, Container};
use super::index::{Index, anchor_of, nesting};
use super::members::MemberMap;
use super::settings::Settings;
use super::subject::Entry;
use crate::directory::inventory::{AdClass, AdObject, Inventory, NONE, Tri};
use crate::directory::security::{self, Access, Dacl, Right, SecurityDescriptor, inheritance, schema};
use crate::directory::{Anchor, Sid};
use crate::report::model::Verdict;
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// What a security descriptor says about inheritance and the agent's account.
#[derive(Debug, Clone, Default)]
pub struct DescriptorFacts {
    pub protected: bool,
    /// Whether the agent's account may write `member` and EDOI; `None` where the account is unknown.
    pub agent_write: Option<Access>,
    /// The same, by entries of the object's own.
    pub agent_explicit: Option<bool>,
    /// Which of the rights are refused.
    pub denied: Vec<&'static str>,
    /// Whether the agent's account may create groups below this object.
    pub agent_create: Option<Access>,
}

pub struct Context<'a> {
    pub inventory: &'a Inventory,
    pub settings: &'a Settings,
    pub index: Arc<Index>,
    pub members: Arc<MemberMap>,
    pub cloud: CloudView,
    pub container: Option<Container>,
    /// The provisioning agent's account: name and SID, where the input has it.
    pub agent: Option<(String, Sid)>,
    descriptors: Vec<DescriptorFacts>,
    /// (member object, group row): AD groups that have a group as member, sorted.
    pub nesting: Vec<(u32, u32)>,
    /// Verdicts of Entra groups without C24, by Entra group row; set after the first pass.
    pub verdicts: OnceLock<Vec<Option<Verdict>>>,
}

impl<'a> Context<'a> {
    pub fn build(inventory: &'a Inventory, settings: &'a Settings) -> Self {
        let index = Arc::new(Index::build(inventory));
        let members = Arc::new(MemberMap::build(inventory, &index));
        let container = container::find(inventory, settings);
        let agent = find_agent(inventory, settings);
        let trustees = agent.as_ref().map(|(_, sid)| trustees(inventory, sid));
        let descriptors = inventory.ad.descriptors.par_iter().map(|d| describe(d, trustees.as_deref())).collect();
        let nesting = nesting(inventory);
        let cloud = CloudView::build(inventory, settings.scope, settings.domain.as_deref());
        Context {
            inventory,
            settings,
            index,
            members,
            cloud,
            container,
            agent,
            descriptors,
            nesting,
            verdicts: OnceLock::new(),
        }
    }

    pub fn descriptor(&self, index: u32) -> Option<&DescriptorFacts> {
        self.descriptors.get(index as usize)
    }
    pub fn agent_name(&self) -> Option<&str> {
        self.agent.as_ref().map(|(name, _)| name.as_str())
    }
    /// Rows of AD groups that have this group (by row) as a direct member.
    pub fn parents(&self, group: u32) -> Vec<u32> {
        let Some(group) = self.inventory.ad.groups.get(group as usize) else { return Vec::new() };
        let start = self.nesting.partition_point(|(member, _)| *member < group.object);
        self.nesting[start..].iter().take_while(|(member, _)| *member == group.object).map(|(_, row)| *row).collect()
    }
    /// Whether a nested cloud group will be provisioned: by the job's scope, or without a job, by its own verdict.
    pub fn child_in_scope(&self, object: u32) -> Option<bool> {
        if let Some(answer) = self.cloud.in_scope(self.inventory, object) {
            return answer;
        }
        let row = self.inventory.entra.objects[object as usize].detail;
        let verdict = self.verdicts.get()?.get(row as usize).copied().flatten();
        match verdict {
            Some(verdict) => Some(matches!(verdict, Verdict::Migrate | Verdict::Fix)),
            None => Some(false),
        }
    }
    pub fn child_reason(&self, object: u32) -> &'static str {
        if self.cloud.has_job() {
            return "not in the job's scope";
        }
        let row = self.inventory.entra.objects[object as usize].detail;
        match self.verdicts.get().and_then(|v| v.get(row as usize).copied().flatten()) {
            None => "not written back",
            Some(Verdict::Review) => "needs a decision first (review)",
            Some(_) => "does not move (exclude)",
        }
    }

    /// The groups to assess, in the order in which they lie in memory: AD's first, then those that AD has not, by object
    /// id. `published_order` sorts them.
    pub fn entries(&self) -> Vec<Entry> {
        let inventory = self.inventory;
        let mut entries: Vec<Entry> = inventory
            .ad
            .groups
            .par_iter()
            .enumerate()
            .filter_map(|(row, group)| {
                let anchor = anchor_of(inventory, group);
                let entra = anchor.and_then(|Anchor(id)| self.index.entra_group(inventory, id));
                let dn = inventory.dn(group.object);
                let inside = self.container.as_ref().is_some_and(|c| c.holds(dn));
                (inside || entra.is_some()).then_some(Entry { ad: row as u32, entra: entra.unwrap_or(NONE) })
            })
            .collect();
        let mut unwritten: Vec<u32> = inventory
            .entra
            .groups
            .par_iter()
            .enumerate()
            .filter(|(_, g)| {
                let listed = match g.writeback.is_enabled {
                    Tri::True => true,
                    Tri::False => g.unified.is_true() && inventory.ad.is_whole(),
                    _ => false,
                };
                listed && !g.deleted && self.index.ad_group_by_anchor(inventory.entra_object(g).id).is_none()
            })
            .map(|(row, _)| row as u32)
            .collect();
        unwritten.sort_by_key(|row| inventory.entra_object(&inventory.entra.groups[*row as usize]).id);
        entries.extend(unwritten.into_iter().map(|entra| Entry { ad: NONE, entra }));
        entries
    }
}

/// Published order: by DN, byte by byte; groups without one stay last, as they are. The first bytes are compared as one
/// number beside the entry; names themselves, which lie all over memory, only where those are equal.
pub fn published_order<R: Copy + Send + Sync>(
    inventory: &Inventory,
    entries: Vec<Entry>,
    rows: Vec<R>,
) -> (Vec<Entry>, Vec<R>) {
    let name = |e: &Entry| inventory.dn(inventory.ad.groups[e.ad as usize].object);
    let in_ad = entries.partition_point(|e| e.ad != NONE);
    let head = |e: &Entry| {
        let mut head = [0; 24];
        let bytes = name(e).as_bytes();
        let n = bytes.len().min(24);
        head[..n].copy_from_slice(&bytes[..n]);
        head
    };
    let mut keyed: Vec<([u8; 24], u32)> =
        entries[..in_ad].par_iter().enumerate().map(|(i, e)| (head(e), i as u32)).collect();
    keyed.par_sort_unstable_by(|a, b| {
        let by_name = || name(&entries[a.1 as usize]).cmp(name(&entries[b.1 as usize]));
        a.0.cmp(&b.0).then_with(by_name).then(a.1.cmp(&b.1))
    });
    let order = || keyed.iter().map(|(_, i)| *i as usize).chain(in_ad..entries.len());
    (order().map(|i| entries[i]).collect(), order().map(|i| rows[i]).collect())
}

/// The account the provisioning agent runs as: the configured one, else the documented name.
fn find_agent(inventory: &Inventory, settings: &Settings) -> Option<(String, Sid)> {
    let wanted = settings.agent_account.as_deref().unwrap_or("provAgentgMSA$");
    if let Some(sid) = Sid::parse(wanted) {
        return Some((wanted.to_owned(), sid));
    }
    let sam = wanted.rsplit('\\').next().unwrap_or(wanted);
    let candidate = |o: &&AdObject| {
        !matches!(o.class, AdClass::Group | AdClass::Missing)
            && inventory.text.get(o.sam_account_name).is_some_and(|s| s.eq_ignore_ascii_case(sam))
    };
    let found = inventory.ad.objects.par_iter().find_first(candidate)?;
    Some((wanted.to_owned(), inventory.sids.get(found.sid)?))
}

/// The account's own SID and those of the groups it is in, with the ones everybody holds.
fn trustees(inventory: &Inventory, sid: &Sid) -> Vec<Sid> {
    let mut out = vec![sid.clone()];
    out.extend(["S-1-1-0", "S-1-5-11"].iter().filter_map(|s| Sid::parse(s)));
    let Some(start) =
        inventory.ad.objects.iter().position(|o| o.sid.is_some() && inventory.sids.get(o.sid).as_ref() == Some(sid))
    else {
        return out;
    };
    let (mut open, mut seen) = (vec![start as u32], std::collections::BTreeSet::from([start as u32]));
    while let Some(member) = open.pop() {
        for row in 0..inventory.ad.members.len() {
            if inventory.ad.members.row(row).binary_search(&member).is_ok() {
                let group = &inventory.ad.groups[row];
                if seen.insert(group.object) {
                    open.push(group.object);
                    out.extend(inventory.sids.get(inventory.ad_object(group).sid));
                }
            }
        }
    }
    out
}

fn describe(bytes: &[u8], trustees: Option<&[Sid]>) -> DescriptorFacts {
    let Ok(descriptor) = SecurityDescriptor::parse(bytes) else { return DescriptorFacts::default() };
    let mut facts = DescriptorFacts { protected: descriptor.is_protected(), ..DescriptorFacts::default() };
    let Some(trustees) = trustees else { return facts };
    let rights =
        [("write member", Right::write_member()), ("write msDS-ExternalDirectoryObjectId", Right::write_edoi())];
    let answers = rights.map(|(name, right)| (name, descriptor.access(trustees, right)));
    facts.denied = answers.iter().filter(|(_, a)| *a == Access::Denied).map(|(n, _)| *n).collect();
    facts.agent_write = Some(match &answers {
        _ if !facts.denied.is_empty() => Access::Denied,
        all if all.iter().all(|(_, a)| *a == Access::Granted) => Access::Granted,
        _ => Access::Unknown,
    });
    facts.agent_create = Some(descriptor.access(trustees, Right::CreateChild(schema::class_group())));
    facts.agent_explicit = Some(facts.agent_write == Some(Access::Granted) && holds_by_its_own(descriptor, trustees));
    facts
}

/// Whether the rights would stay if everything inherited went away.
fn holds_by_its_own(mut descriptor: SecurityDescriptor, trustees: &[Sid]) -> bool {
    if let Dacl::List(entries) = &mut descriptor.dacl {
        entries.retain(|entry| match entry {
            security::Entry::Ace(ace) => ace.flags & inheritance::INHERITED == 0,
            security::Entry::Opaque { flags, .. } => flags & inheritance::INHERITED == 0,
        });
    }
    [Right::write_member(), Right::write_edoi()].into_iter().all(|right| descriptor.grants(trustees, right))
}
