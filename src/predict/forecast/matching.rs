//! Which AD group the job takes for which Entra group: by EDOI in the domain it writes to. None makes a new group, even
//! beside one that carries the anchor elsewhere; several are an error.

use super::Scoping;
use crate::directory::inventory::{AdGroup, Inventory, NONE, Tri};
use crate::directory::{Anchor, AnchorText, Text};
use crate::predict::cloud::{CloudView, GroupAttributes, Job};
use crate::predict::index::{Index, carriers};
use crate::predict::scope::{self, Assignment, Scope};
use hashbrown::HashSet;
use rayon::prelude::*;

/// What the first synchronization does with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// Found by EDOI and updated in place.
    Update,
    /// Carries its anchor in adminDescription only: stamped, it is updated in place; unstamped, the job makes a second
    /// group beside it.
    Stamp,
    /// No object in AD: made anew.
    Create,
    /// An AD group carries the anchor in adminDescription, but another EDOI, or stands in another domain: the job makes
    /// a second group.
    CreateBeside,
    /// Several objects carry the EDOI: the service reports an error, and may put the job into quarantine.
    Duplicates,
    /// Several AD groups carry the anchor in adminDescription, none the EDOI: which is stamped needs a decision.
    Undecided,
    /// Carries the anchor, but another AD group is the one that is matched: left as it is, by nobody maintained.
    Bystander,
    /// The job's flow types leave out what would be done: nothing changes.
    Untouched,
    /// Not in the job's scope: left as it is.
    OutOfScope,
    /// The anchor names no Entra group of the input.
    Gone,
    /// The input leaves open whether the job takes the group or whether AD has it.
    Open,
}

impl Action {
    pub const ALL: [Action; 11] = [
        Action::Update,
        Action::Stamp,
        Action::Create,
        Action::CreateBeside,
        Action::Duplicates,
        Action::Undecided,
        Action::Bystander,
        Action::Untouched,
        Action::OutOfScope,
        Action::Gone,
        Action::Open,
    ];
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Update => "update",
            Action::Stamp => "stamp",
            Action::Create => "create",
            Action::CreateBeside => "create-beside",
            Action::Duplicates => "duplicates",
            Action::Undecided => "undecided",
            Action::Bystander => "bystander",
            Action::Untouched => "untouched",
            Action::OutOfScope => "out-of-scope",
            Action::Gone => "gone",
            Action::Open => "open",
        }
    }
    /// In words, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Action::Update => "Found by its stamp (msDS-ExternalDirectoryObjectId) and updated in place.",
            Action::Stamp => {
                "Updated in place once stamped. Without the stamp the job creates a second group beside it."
            }
            Action::Create => "AD has no such group: the job creates one, with a new SID.",
            Action::CreateBeside => {
                "The AD group that carries the anchor is not found by its stamp: the job creates a second group beside it."
            }
            Action::Duplicates => {
                "Several objects carry this stamp: the job reports a duplicate-entries error and changes nothing."
            }
            Action::Undecided => "Several AD groups carry this anchor: which of them is stamped needs a decision.",
            Action::Bystander => {
                "Another AD group is the one that is matched: this one stays as it is, maintained by nobody."
            }
            Action::Untouched => "The job's flow types leave this out: nothing changes.",
            Action::OutOfScope => "Not in the job's scope: stays as it is.",
            Action::Gone => "Its Entra group is not in the input: nothing is predicted.",
            Action::Open => "Whether the job takes this group is open.",
        }
    }
    /// The job writes the group, or may.
    pub fn writes(self) -> bool {
        matches!(self, Action::Update | Action::Stamp | Action::Create | Action::CreateBeside | Action::Open)
    }
    /// An AD group is changed in place, or may be.
    pub fn updates(self) -> bool {
        matches!(self, Action::Update | Action::Stamp | Action::Open)
    }
    pub fn is_trouble(self) -> bool {
        matches!(self, Action::CreateBeside | Action::Duplicates | Action::Undecided)
    }
}

/// What the job does with one Entra group, and the AD group it does it to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub action: Action,
    pub ad: u32,
    /// An AD group has this anchor, but it is not the one: it stands beside what will be created.
    pub exact: bool,
}

/// True for names in the domain itself, not below a child domain.
pub(super) struct DomainSuffix(Option<String>);

impl DomainSuffix {
    pub(super) fn new(domain: Option<&str>) -> Self {
        let labels = |d: &str| d.split('.').map(|l| format!("DC={l}")).collect::<Vec<_>>().join(",");
        DomainSuffix(domain.filter(|d| !d.is_empty()).map(labels))
    }
    pub(super) fn holds(&self, dn: &str) -> bool {
        let Some(suffix) = &self.0 else { return true };
        let Some(at) = dn.len().checked_sub(suffix.len()) else { return false };
        let (Some(head), Some(tail)) = (dn.get(..at), dn.get(at..)) else { return false };
        if !tail.eq_ignore_ascii_case(suffix) {
            return false;
        }
        let Some(head) = head.strip_suffix(',') else { return head.is_empty() };
        let last = head.rsplit(',').next().unwrap_or(head);
        !last.get(..3).is_some_and(|dc| dc.eq_ignore_ascii_case("DC="))
    }
}

/// Judges every Entra group.
pub(super) fn links(inventory: &Inventory, index: &Index, view: &CloudView, scoping: &Scoping<'_>) -> Vec<Link> {
    let domain = DomainSuffix::new(view.domain());
    let others: HashSet<u128> = inventory
        .ad
        .environment
        .other_carriers
        .iter()
        .filter(|c| c.attribute.eq_ignore_ascii_case("msDS-ExternalDirectoryObjectId"))
        .filter_map(|c| Some(Anchor::parse(&c.value)?.0.as_u128()))
        .collect();
    let judge = |row: usize| {
        let found = find(inventory, index, &domain, &others, row);
        let in_ad = !matches!(found.action, Action::Create | Action::Open);
        let action = match scope_of(inventory, view, scoping, row, in_ad) {
            Some(false) => Action::OutOfScope,
            None => Action::Open,
            Some(true) => by_flow_types(found.action, view),
        };
        Link { action, ..found }
    };
    (0..inventory.entra.groups.len()).into_par_iter().map(judge).collect()
}

/// What the flow types of the job leave of an action.
fn by_flow_types(action: Action, view: &CloudView) -> Action {
    let Job::Known(job) = &view.job else { return action };
    let wanted = match action {
        Action::Update | Action::Stamp => job.flow_types().update(),
        Action::Create | Action::CreateBeside => job.flow_types().add(),
        _ => return action,
    };
    match wanted {
        Some(true) => action,
        Some(false) => Action::Untouched,
        None => Action::Open,
    }
}

fn find(inventory: &Inventory, index: &Index, domain: &DomainSuffix, others: &HashSet<u128>, row: usize) -> Link {
    let id = inventory.entra_object(&inventory.entra.groups[row]).id;
    let group = |row: &u32| &inventory.ad.groups[*row as usize];
    let inside = |row: &u32| domain.holds(inventory.dn(group(row).object));
    let of = |sorted: &[(u128, u32)]| -> Vec<u32> { carriers(sorted, id).iter().map(|(_, row)| *row).collect() };
    let stamped: Vec<u32> = of(&index.by_edoi).into_iter().filter(inside).collect();
    let described = of(&index.by_admin_description);
    let first = |rows: &[u32]| rows.first().copied().unwrap_or(NONE);
    let link = |action, ad| Link { action, ad, exact: true };
    if stamped.len() + usize::from(others.contains(&id.as_u128())) > 1 {
        return link(Action::Duplicates, first(&stamped));
    }
    if let [row] = stamped.as_slice() {
        let text = AnchorText::read(inventory.text.get(group(row).edoi));
        let exact = !matches!(text, AnchorText::Anchor { exact: false, .. });
        return Link { action: Action::Update, ad: *row, exact };
    }
    let free: Vec<u32> =
        described.iter().copied().filter(|r| inside(r) && is_empty(inventory, group(r).edoi)).collect();
    match free.as_slice() {
        [row] => link(Action::Stamp, *row),
        [row, ..] => link(Action::Undecided, *row),
        [] if !described.is_empty() => Link { action: Action::CreateBeside, ad: NONE, exact: true },
        // A group that AD's export lacks may well be there.
        [] if inventory.ad.is_whole() => link(Action::Create, NONE),
        [] => link(Action::Open, NONE),
    }
}

fn is_empty(inventory: &Inventory, text: Text) -> bool {
    inventory.text.get(text).is_none_or(str::is_empty)
}

fn scope_of(inventory: &Inventory, view: &CloudView, scoping: &Scoping<'_>, row: usize, in_ad: bool) -> Option<bool> {
    let group = &inventory.entra.groups[row];
    if group.deleted {
        return Some(false);
    }
    let by_job = || match view.is_absent() {
        true => Some(false),
        false => view.in_scope(inventory, group.object).flatten(),
    };
    let taken = match scoping {
        Scoping::Job => return by_job(),
        Scoping::Groups(rows) => rows.get(row).copied().unwrap_or(false),
        Scoping::Planned => in_ad || view.is_assigned(inventory, group.object) == Some(true),
    };
    if !taken {
        return Some(false);
    }
    // The default clause in plain terms, for the usual group under a job without filter.
    if view.has_no_filter()
        && group.security_enabled == Tri::True
        && group.mail_enabled == Tri::False
        && matches!(group.synced, Tri::Null | Tri::False)
    {
        return Some(true);
    }
    let attributes = GroupAttributes { inventory, view, group };
    let scope = match &view.job {
        Job::Known(job) => job.scope(&attributes, Assignment::Assigned),
        _ => scope::default_clause(&attributes),
    };
    match scope {
        Scope::In => Some(true),
        Scope::Out(_) => Some(false),
        Scope::Unknown(_) => None,
    }
}

/// The groups that are forecast: each AD group with an anchor, then Entra groups that the job would create.
pub(super) fn entries(inventory: &Inventory, index: &Index, links: &[Link]) -> Vec<(u32, u32, Action)> {
    let anchor = |group: &AdGroup| {
        let read = |text: Text| AnchorText::read(inventory.text.get(text)).anchor();
        read(group.edoi).or_else(|| read(group.admin_description))
    };
    let mut out: Vec<(u32, u32, Action)> = inventory
        .ad
        .groups
        .par_iter()
        .enumerate()
        .filter_map(|(ad, group)| {
            let Anchor(id) = anchor(group)?;
            let Some(entra) = index.entra_group(inventory, id) else { return Some((ad as u32, NONE, Action::Gone)) };
            let link = links[entra as usize];
            let action = match link.action {
                shared @ (Action::Duplicates | Action::Undecided | Action::OutOfScope) => shared,
                action if link.ad == ad as u32 => action,
                _ => Action::Bystander,
            };
            Some((ad as u32, entra, action))
        })
        .collect();
    let mut made: Vec<u32> = links
        .par_iter()
        .enumerate()
        .filter(|(_, link)| link.ad == NONE && link.action.writes())
        .map(|(row, _)| row as u32)
        .collect();
    made.sort_by_key(|row| inventory.entra_object(&inventory.entra.groups[*row as usize]).id);
    out.extend(made.into_iter().map(|row| (NONE, row, links[row as usize].action)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for (domain, dn, want) in [
            (Some("contoso.com"), "CN=a,OU=b,DC=contoso,DC=com", true),
            (Some("contoso.com"), "CN=a,OU=b,dc=Contoso,dc=COM", true),
            (Some("contoso.com"), "DC=contoso,DC=com", true),
            (Some("contoso.com"), "CN=a,DC=emea,DC=contoso,DC=com", false),
            (Some("contoso.com"), "CN=a,DC=notcontoso,DC=com", false),
            (Some("contoso.com"), "CN=ü,DC=fabrikam,DC=com", false),
            (Some("emea.contoso.com"), "CN=a,DC=emea,DC=contoso,DC=com", true),
            (Some("contoso.com"), "", false),
            (None, "CN=a,DC=x", true),
        ] {
            assert_eq!(DomainSuffix::new(domain).holds(dn), want, "{domain:?} {dn}");
        }
    }
}
