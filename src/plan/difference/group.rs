//! One row of a difference, made when a report asks for it.

use super::{Difference, severity};
use crate::directory::inventory::{AdObject, EntraGroup, NONE};
use crate::directory::{Anchor, escape_value, split};
use crate::plan::access::{Kind, effective_members};
use crate::predict::{Action, After, Attribute, Changes, Fate, GroupOutcome, MemberLine, Predicted, Today};
use crate::report::diff::model::{
    AccessDiff, AttributeDiff, AttributeState, GroupDiff, MemberCounts, MemberDiff, UseOfGroup,
};
use crate::report::model::Severity;

/// How many members or people of one sort a row lists; all of them are counted.
const LISTED: usize = 1_000;
/// How many groups or objects that use a group are named.
const USERS: usize = 50;

/// A group of the forecast.
pub fn outcome(d: &Difference<'_>, position: usize) -> GroupDiff {
    let (inventory, forecast) = (d.inventory(), d.forecast);
    let outcome = &forecast.outcomes()[position];
    let ad = inventory.ad.groups.get(outcome.ad as usize);
    let object = ad.map(|g| inventory.ad_object(g));
    let entra = forecast.entra_group(outcome);
    let after = forecast.after(position);
    let text = |t| inventory.text.get(t).map(str::to_owned);
    let mut row = GroupDiff {
        object_id: entra.map(|g| inventory.entra_object(g).id.to_string()),
        action: outcome.action.as_str().to_owned(),
        severity: severity(outcome),
        differs: outcome.differs(),
        depends: outcome.points.iter().map(|p| p.as_str().to_owned()).collect(),
        display_name: entra.and_then(|g| text(g.display_name)).or_else(|| ad.and_then(|g| text(g.display_name))),
        attributes: attributes(d, outcome, after.as_ref()),
        members: counts(d, outcome),
        member_changes: member_changes(d, position),
        ..of_object(d, outcome.ad, object)
    };
    if row.object_id.is_none() {
        let anchor = |t| inventory.text.get(t).and_then(Anchor::parse);
        row.object_id =
            ad.and_then(|g| anchor(g.edoi).or_else(|| anchor(g.admin_description))).map(|a| a.0.to_string());
    }
    row.changes = changes(outcome, &row.access);
    row.notes = notes(d, outcome, after.as_ref(), &row);
    row
}

/// An AD group that is not written back itself.
pub fn parent(d: &Difference<'_>, ad: u32) -> GroupDiff {
    let inventory = d.inventory();
    let group = inventory.ad.groups.get(ad as usize);
    let mut row = of_object(d, ad, group.map(|g| inventory.ad_object(g)));
    row.action = "parent".to_owned();
    row.differs = true;
    row.display_name = group.and_then(|g| inventory.text.get(g.display_name)).map(str::to_owned);
    row.severity = if row.access.lost_count > 0 { Severity::High } else { Severity::Medium };
    row.members.ad = inventory.ad.members.row(ad as usize).len() as u64;
    row.members.kept = row.members.ad;
    row.changes = access_changes(&row.access);
    row.notes = vec![
        "Cloud Sync does not write this group. Its effective members change with the groups that are nested in it."
            .to_owned(),
    ];
    row
}

/// What is known of the AD object: identity, access, use.
fn of_object(d: &Difference<'_>, ad: u32, object: Option<&AdObject>) -> GroupDiff {
    let inventory = d.inventory();
    GroupDiff {
        object_id: None,
        object_guid: object.filter(|o| !o.guid.is_nil()).map(|o| o.guid.to_string()),
        sid: object.and_then(|o| inventory.sids.get(o.sid)).map(|s| s.to_string()),
        dn: object.and_then(|o| inventory.text.get(o.dn)).map(str::to_owned),
        display_name: None,
        action: String::new(),
        severity: Severity::Info,
        differs: false,
        changes: Vec::new(),
        depends: Vec::new(),
        attributes: Vec::new(),
        members: MemberCounts::default(),
        member_changes: Vec::new(),
        access: access(d, ad),
        used: usage(d, ad),
        notes: Vec::new(),
    }
}

fn changes(outcome: &GroupOutcome, access: &AccessDiff) -> Vec<String> {
    let (c, m) = (outcome.changes, &outcome.members);
    let mut out: Vec<&str> = [
        (Changes::RENAMED, "renamed"),
        (Changes::MOVED, "moved"),
        (Changes::DISPLAY_NAME, "display-name"),
        (Changes::DESCRIPTION, "description"),
        (Changes::ACCOUNT_NAME, "account-name"),
        (Changes::OTHER, "attribute"),
        (Changes::NAME_OPEN, "name-open"),
        (Changes::NAME_TAKEN, "name-taken"),
        (Changes::ERROR, "error"),
        (Changes::STAMPED, "stamped"),
    ]
    .into_iter()
    .filter(|(change, _)| c.has(*change))
    .map(|(_, name)| name)
    .collect();
    let mut add = |holds: bool, name| out.extend(holds.then_some(name));
    add(outcome.action == Action::Create, "created");
    add(outcome.action.is_trouble(), "duplicate");
    add(m.added > 0, "members-added");
    add(m.lost > 0, "members-lost");
    add(m.maybe_lost > 0, "members-maybe-lost");
    add(m.maybe_added > 0, "members-maybe-added");
    add(m.open > 0, "members-open");
    out.into_iter().map(str::to_owned).chain(access_changes(access)).collect()
}

fn access_changes(access: &AccessDiff) -> Vec<String> {
    let lost = (access.lost_count + access.maybe_lost_count > 0).then_some("access-lost");
    let gained = (access.gained_count + access.maybe_gained_count > 0).then_some("access-gained");
    lost.into_iter().chain(gained).map(str::to_owned).collect()
}

fn counts(d: &Difference<'_>, outcome: &GroupOutcome) -> MemberCounts {
    let (inventory, m) = (d.inventory(), &outcome.members);
    MemberCounts {
        ad: inventory.ad.members.row(outcome.ad as usize).len() as u64,
        entra: inventory.entra.members.row(outcome.entra as usize).len() as u64,
        kept: m.kept.into(),
        kept_if_option: m.kept_if_option.into(),
        added: m.added.into(),
        maybe_added: m.maybe_added.into(),
        lost: m.lost.into(),
        maybe_lost: m.maybe_lost.into(),
        open: m.open.into(),
        not_written: m.not_written.into(),
    }
}

fn member_changes(d: &Difference<'_>, position: usize) -> Vec<MemberDiff> {
    let outcome = &d.forecast.outcomes()[position];
    let m = &outcome.members;
    if m.added + m.maybe_added + m.lost + m.maybe_lost + m.open + m.not_written == 0 {
        return Vec::new();
    }
    let mut listed: [Vec<MemberLine>; 6] = Default::default();
    d.forecast.visit_members(position, &mut |line| {
        let slot = match line.fate {
            Fate::Kept | Fate::KeptIfOption => return,
            Fate::Added => 0,
            Fate::MaybeAdded => 1,
            Fate::Lost => 2,
            Fate::MaybeLost => 3,
            Fate::Open => 4,
            Fate::NotWritten => 5,
        };
        if listed[slot].len() < LISTED {
            listed[slot].push(line);
        }
    });
    let mut out: Vec<MemberDiff> = Vec::new();
    for lines in listed {
        let start = out.len();
        out.extend(lines.into_iter().map(|line| member(d, line)));
        // By name, since object numbers follow the order of the input.
        out[start..].sort_by(|a, b| (a.dn.is_none(), &a.dn, &a.object_id).cmp(&(b.dn.is_none(), &b.dn, &b.object_id)));
    }
    out
}

fn member(d: &Difference<'_>, line: MemberLine) -> MemberDiff {
    let inventory = d.inventory();
    let entra = inventory.entra.objects.get(line.entra as usize);
    MemberDiff {
        fate: line.fate.as_str().to_owned(),
        dn: Some(inventory.dn(line.ad)).filter(|dn| !dn.is_empty()).map(str::to_owned),
        object_id: entra.map(|e| e.id.to_string()),
        name: entra.and_then(|e| inventory.text.get(e.name)).map(str::to_owned),
        why: line.why.map(|w| w.as_str().to_owned()),
        reason: line.why.map(|w| w.words().to_owned()),
    }
}

fn access(d: &Difference<'_>, ad: u32) -> AccessDiff {
    let mut out = AccessDiff::default();
    if ad == NONE {
        return out;
    }
    let inventory = d.inventory();
    out.before = effective_members(inventory, ad);
    for (_, kind, person) in d.access.group(ad) {
        let (count, names) = match kind {
            Kind::Gained => (&mut out.gained_count, &mut out.gained),
            Kind::Lost => (&mut out.lost_count, &mut out.lost),
            Kind::MaybeGained => (&mut out.maybe_gained_count, &mut out.maybe_gained),
            Kind::MaybeLost => (&mut out.maybe_lost_count, &mut out.maybe_lost),
        };
        *count += 1;
        if names.len() < LISTED {
            names.push(inventory.dn(*person).to_owned());
        }
    }
    for names in [&mut out.gained, &mut out.lost, &mut out.maybe_gained, &mut out.maybe_lost] {
        names.sort_unstable();
    }
    out.after = (out.before + out.gained_count).saturating_sub(out.lost_count);
    out
}

fn usage(d: &Difference<'_>, ad: u32) -> UseOfGroup {
    let inventory = d.inventory();
    let Some(group) = inventory.ad.groups.get(ad as usize) else { return UseOfGroup::default() };
    let names = |objects: Vec<u32>| {
        let mut names: Vec<String> = objects.into_iter().map(|o| inventory.dn(o).to_owned()).collect();
        names.sort_unstable();
        let count = names.len() as u64;
        names.truncate(USERS);
        (names, count)
    };
    let parents = d.access.parents(inventory, ad);
    let ancestors = if parents.is_empty() { 0 } else { d.access.ancestors(inventory, ad).len() as u64 };
    let (nested_in, nested_in_count) =
        names(parents.into_iter().map(|row| inventory.ad.groups[row as usize].object).collect());
    let mut named: Vec<u32> = d.usage.named_by(group.object).collect();
    named.sort_unstable();
    named.dedup();
    let (named_by, named_by_count) = names(named);
    UseOfGroup { nested_in, nested_in_count, ancestors, named_by, named_by_count }
}

fn attributes(d: &Difference<'_>, outcome: &GroupOutcome, after: Option<&After>) -> Vec<AttributeDiff> {
    let inventory = d.inventory();
    let Some(after) = after else { return Vec::new() };
    let object = inventory.ad.groups.get(outcome.ad as usize).map(|g| inventory.ad_object(g));
    let dn = object.and_then(|o| inventory.text.get(o.dn));
    let parts = dn.and_then(split);
    let entra = d.forecast.entra_group(outcome);
    let row = |name: &str, ad: Option<String>, after: &Predicted| {
        let of_entra = entra.and_then(|g| in_entra(d, g, name));
        shown(name, ad, of_entra, after)
    };
    let now = |value: Option<&str>| value.map(str::to_owned);
    let mut out = vec![
        row("cn", parts.as_ref().map(|p| p.0.to_string()), &after.cn),
        row("parentDistinguishedName", parts.as_ref().map(|p| p.1.to_string()), &after.parent),
        row("distinguishedName", now(dn), &after.dn),
    ];
    let sam = object.and_then(|o| inventory.text.get(o.sam_account_name));
    out.push(match &after.sam_account_name {
        Some(predicted) => row("sAMAccountName", now(sam), predicted),
        None => unmapped(sam),
    });
    for Attribute { name, today, after } in &after.attributes {
        let mut line = match today {
            Today::Value(value) => row(name, Some(value.clone()), after),
            Today::Empty => row(name, None, after),
            Today::NotCollected => {
                let mut line = row(name, None, after);
                if line.state == AttributeState::Changed || line.state == AttributeState::Same {
                    line.state = AttributeState::NotCollected;
                    line.reason = Some("today's value is not in the bundle".to_owned());
                }
                line
            }
        };
        if outcome.action == Action::Stamp && name.eq_ignore_ascii_case("msDS-ExternalDirectoryObjectId") {
            line.reason = Some("stamped by the cutover, before the group comes into scope".to_owned());
        }
        out.push(line);
    }
    out
}

/// What Entra has for an AD attribute, where it has it under a name of its own.
fn in_entra(d: &Difference<'_>, group: &EntraGroup, attribute: &str) -> Option<String> {
    let inventory = d.inventory();
    let text = match attribute.to_ascii_lowercase().as_str() {
        "displayname" => group.display_name,
        "description" => group.description,
        "msds-externaldirectoryobjectid" | "admindescription" => {
            return Some(inventory.entra_object(group).id.to_string());
        }
        _ => return None,
    };
    inventory.text.get(text).map(str::to_owned)
}

fn shown(name: &str, ad: Option<String>, entra: Option<String>, after: &Predicted) -> AttributeDiff {
    let mut line = AttributeDiff {
        attribute: name.to_owned(),
        ad,
        entra,
        after: None,
        state: AttributeState::Same,
        candidates: Vec::new(),
        reason: None,
    };
    match after {
        Predicted::Unchanged => line.after = line.ad.clone(),
        Predicted::Value(value) => {
            line.state = AttributeState::Changed;
            line.after = Some(value.clone());
        }
        Predicted::Unknown { candidates, reason } => {
            line.state = AttributeState::Unknown;
            line.candidates = candidates.clone();
            line.reason = Some(reason.clone());
        }
        Predicted::Error(text) => {
            line.state = AttributeState::Error;
            line.reason = Some(text.clone());
        }
    }
    line
}

fn unmapped(sam: Option<&str>) -> AttributeDiff {
    let reason = match sam {
        Some(_) => "the job does not map it: that an existing value stays is presumed, not documented",
        None => "the job does not map it: a new group gets a random one",
    };
    AttributeDiff {
        attribute: "sAMAccountName".to_owned(),
        ad: sam.map(str::to_owned),
        entra: None,
        after: sam.map(str::to_owned),
        state: AttributeState::Unmapped,
        candidates: Vec::new(),
        reason: Some(reason.to_owned()),
    }
}

fn notes(d: &Difference<'_>, outcome: &GroupOutcome, after: Option<&After>, row: &GroupDiff) -> Vec<String> {
    let mut out = vec![outcome.action.sentence().to_owned()];
    let c = outcome.changes;
    if let Some(taken) = after.and_then(|a| a.taken_by.as_deref()) {
        out.push(format!("The new name is taken: {taken}. The service reports an error, or makes up another name."));
    }
    if outcome.action == Action::Stamp
        && let Some(beside) = beside(d, outcome)
    {
        out.push(format!("Unstamped, the job would create {beside} beside it."));
    }
    if c.new_dn() && outcome.ad != NONE {
        out.push(
            "The DN changes: whatever finds the group by its DN breaks. Links inside AD follow by themselves; which \
             applications keep the DN is not in the bundle."
                .to_owned(),
        );
    }
    if c.has(Changes::MOVED) {
        out.push("Rights and policies that the group inherits from its container change with the move.".to_owned());
    }
    let m = &outcome.members;
    let less = m.lost + m.maybe_lost + m.open > 0 || row.access.lost_count + row.access.maybe_lost_count > 0;
    let used = &row.used;
    if less && used.named_by_count > 0 {
        out.push(format!("{} AD object(s) name this group in their access list.", used.named_by_count));
    }
    if less && used.ancestors > 0 {
        out.push(format!("{} AD group(s) hold this group, directly or through others.", used.ancestors));
    }
    if m.kept_if_option > 0 {
        out.push(format!(
            "{} membership(s) of on-premises users stay only if \"Provision membership to on-premises users\" is on.",
            m.kept_if_option
        ));
    }
    out
}

/// What an unstamped group's duplicate would be called, where its mappings tell: the mapped name in the mapped place.
fn beside(d: &Difference<'_>, outcome: &GroupOutcome) -> Option<String> {
    let (cn, parent) = d.forecast.new_name(outcome)?;
    Some(format!("CN={},{parent}", escape_value(&cn)))
}
