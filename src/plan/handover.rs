//! What the owner of an application is told of each group that moves: who it is, where it is used, what changes and what
//! is to be done about it. The facts are those of the difference; a plan adds when, and the names that it keeps.

use super::difference::Difference;
use super::model::{Plan, PlannedGroup, Wave};
use crate::directory::inventory::Inventory;
use crate::directory::{Dn, ObjectGuid};
use crate::report::diff::model::{AttributeDiff, AttributeState, DiffView, GroupDiff, Row};
use crate::report::handover::model::{HANDOVER_SCHEMA, Handed, Handover, PlanRef, TICKETS};
use rayon::prelude::*;
use std::collections::HashMap;

/// Names of the access packages that have a group as a resource, by its Entra object id; none for one that nobody governs.
pub type Governed<'g> = dyn Fn(ObjectGuid) -> Vec<String> + Sync + 'g;

/// Groups of the difference that Cloud Sync takes over, or that somebody governs already.
pub fn handover(
    difference: &Difference<'_>,
    inventory: &Inventory,
    plan: Option<&Plan>,
    governed: &Governed<'_>,
) -> Handover {
    let planned: HashMap<&str, (&Wave, &PlannedGroup)> = plan
        .into_iter()
        .flat_map(|plan| &plan.waves)
        .flat_map(|wave| wave.groups.iter().map(move |group| (group.object_id.as_str(), (wave, group))))
        .collect();
    let header = difference.header();
    let names_from = if plan.is_some() { "plan" } else { header.basis.mappings.as_str() };
    let groups = (0..difference.len())
        .into_par_iter()
        .filter_map(|index| {
            let Row::Group(row) = difference.row(index) else { return None };
            let in_plan = row.object_id.as_deref().and_then(|id| planned.get(id)).copied();
            let packages = row.object_id.as_deref().and_then(ObjectGuid::parse).map(governed).unwrap_or_default();
            let moves = match plan {
                Some(_) => in_plan.is_some(),
                None => {
                    matches!(row.action.as_str(), "update" | "stamp" | "create-beside" | "duplicates" | "undecided")
                }
            };
            if !moves && packages.is_empty() {
                return None;
            }
            let facts = Facts { inventory, row: &row, ad: difference.ad_row(index)?, in_plan, names_from };
            facts.handed(packages)
        })
        .collect();
    Handover {
        schema: HANDOVER_SCHEMA.to_owned(),
        bundle: header.bundle.clone(),
        plan: plan.map(|plan| PlanRef {
            sha256: plan.sha256.clone(),
            of_this_bundle: plan.bundle.sha256 == header.bundle.sha256,
        }),
        names_from: names_from.to_owned(),
        groups,
        limits: header.limits.clone(),
        tickets: TICKETS.to_owned(),
    }
}

struct Facts<'f> {
    inventory: &'f Inventory,
    row: &'f GroupDiff,
    ad: u32,
    in_plan: Option<(&'f Wave, &'f PlannedGroup)>,
    names_from: &'f str,
}

impl Facts<'_> {
    fn handed(&self, governed_by: Vec<String>) -> Option<Handed> {
        let row = self.row;
        let dn = row.dn.clone()?;
        let group = self.inventory.ad.groups.get(self.ad as usize)?;
        let object = self.inventory.ad_object(group);
        let domain = Dn::parse(&dn).ok().and_then(|dn| dn.dns_domain());
        let sam_account_name = self.inventory.text.get(object.sam_account_name).map(str::to_owned);
        let netbios = domain.as_ref().and_then(|d| self.inventory.ad.environment.netbios_names.get(d));
        let account = netbios.zip(sam_account_name.as_ref()).map(|(domain, name)| format!("{domain}\\{name}"));
        let m = &row.members;
        let mut handed = Handed {
            object_id: row.object_id.clone(),
            object_guid: row.object_guid.clone(),
            sid: row.sid.clone(),
            display_name: row.display_name.clone(),
            domain,
            sam_account_name,
            account,
            group_type: group.group_type.map(|t| t.to_string()),
            members: m.ad,
            governed_by,
            nested_in: row.used.nested_in.clone(),
            nested_in_count: row.used.nested_in_count,
            named_by: row.used.named_by.clone(),
            named_by_count: row.used.named_by_count,
            wave: self.in_plan.map(|(wave, _)| wave.name.clone()),
            at: self.in_plan.and_then(|(wave, _)| wave.at.clone()),
            dn_after: self.dn_after(&dn),
            account_name_after: self.changing("sAMAccountName").map(values).unwrap_or_default(),
            members_added: m.added,
            members_lost: m.lost,
            members_open: m.maybe_added + m.maybe_lost + m.open,
            people_gaining: row.access.gained_count,
            people_losing: row.access.lost_count,
            changes: Vec::new(),
            to_do: Vec::new(),
            dn,
        };
        self.say(&mut handed);
        Some(handed)
    }

    /// The attribute, where it does not certainly stay.
    fn changing(&self, name: &str) -> Option<&AttributeDiff> {
        self.row.attributes.iter().find(|a| {
            a.attribute == name
                && matches!(a.state, AttributeState::Changed | AttributeState::Unknown | AttributeState::Error)
        })
    }

    fn dn_after(&self, dn: &str) -> Vec<String> {
        if let Some((_, group)) = self.in_plan {
            return group.predicted.dn.iter().cloned().collect();
        }
        match self.row.attributes.iter().find(|a| a.attribute == "distinguishedName") {
            Some(a) if a.state == AttributeState::Same => vec![dn.to_owned()],
            Some(a) => values(a),
            None => vec![dn.to_owned()],
        }
    }

    fn say(&self, h: &mut Handed) {
        let mut changes = vec!["Its SID and its objectGUID stay.".to_owned()];
        let mut to_do = Vec::new();
        let assumed = if self.names_from == "defaults" { " unless a plan keeps its name" } else { "" };
        let renamed = match h.dn_after.as_slice() {
            [one] if *one == h.dn => {
                changes.push("Its distinguished name stays.".to_owned());
                false
            }
            [one] => {
                changes.push(format!("Its distinguished name becomes {one}{assumed}."));
                true
            }
            [] => {
                changes.push("Whether its distinguished name stays cannot be said from this input.".to_owned());
                true
            }
            several => {
                changes.push(format!("Its distinguished name becomes one of: {}{assumed}.", several.join(" or ")));
                true
            }
        };
        if renamed {
            to_do.push("Applications that look the group up by distinguished name or by CN: have the new name ready and change it on that day; by SID or by account name nothing is to be done.".to_owned());
        }
        match h.account_name_after.as_slice() {
            [] => {}
            [one] => changes.push(format!("Its account name becomes {one}.")),
            several => changes.push(format!("Its account name becomes one of: {}.", several.join(" or "))),
        }
        if !h.account_name_after.is_empty() {
            to_do
                .push("Applications that name the group by domain and account name: change it on that day.".to_owned());
        }
        self.members(h, &mut changes, &mut to_do);
        if h.nested_in_count > 0 {
            to_do.push(format!(
                "It is nested in {} AD group(s), which keep it as a member; whoever gains or loses this group gains or loses those.",
                h.nested_in_count
            ));
        }
        if to_do.is_empty() {
            to_do.push("Nothing. Test the application after the wave, and say so to the change owner.".to_owned());
        } else {
            to_do.push("Test the application after the wave.".to_owned());
        }
        match &h.wave {
            Some(wave) => {
                let at =
                    h.at.as_deref()
                        .map_or_else(|| "on a day still to be named".to_owned(), |at| format!("at {at} (UTC)"));
                changes.push(format!("It moves with wave \"{wave}\", {at}."));
            }
            None => changes.push("When it moves is not said here.".to_owned()),
        }
        (h.changes, h.to_do) = (changes, to_do);
    }

    fn members(&self, h: &Handed, changes: &mut Vec<String>, to_do: &mut Vec<String>) {
        let named = |fate: &str| {
            let all: Vec<&str> = self
                .row
                .member_changes
                .iter()
                .filter(|c| c.fate == fate)
                .filter_map(|c| c.dn.as_deref().or(c.name.as_deref()).or(c.object_id.as_deref()))
                .collect();
            let shown = all.iter().take(5).copied().collect::<Vec<_>>().join("; ");
            if all.len() > 5 { format!("{shown}; …") } else { shown }
        };
        let if_option = self.row.members.kept_if_option;
        if if_option > 0 {
            changes.push(format!(
                "{if_option} of its direct members stay only where \"Provision membership to on-premises users\" is on; whoever runs the cutover makes sure of that first (gate E14)."
            ));
        }
        if h.members_added + h.members_lost + h.members_open == 0 {
            if if_option == 0 {
                changes.push("Its members stay.".to_owned());
            }
            return;
        }
        if h.members_lost > 0 {
            changes.push(format!("{} direct member(s) go: {}.", h.members_lost, named("lost")));
            to_do
                .push("Say whether those who lose the group need it; if so, they must be members in Entra.".to_owned());
        }
        if h.members_added > 0 {
            changes.push(format!("{} direct member(s) come: {}.", h.members_added, named("added")));
        }
        if h.members_open > 0 {
            changes.push(format!(
                "{} direct member(s) may come or go, depending on: {}.",
                h.members_open,
                if self.row.depends.is_empty() { "the input".to_owned() } else { self.row.depends.join(", ") }
            ));
        }
        if h.people_losing + h.people_gaining > 0 {
            changes.push(format!(
                "Counting nesting, {} people lose it and {} gain it.",
                h.people_losing, h.people_gaining
            ));
        }
        to_do.push("Tell the people concerned that a change shows after they sign in again (klist purge).".to_owned());
    }
}

/// The value afterwards, or those that are possible.
fn values(a: &AttributeDiff) -> Vec<String> {
    match &a.after {
        Some(after) => vec![after.clone()],
        None => a.candidates.clone(),
    }
}
