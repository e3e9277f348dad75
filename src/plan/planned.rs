//! One planned group in its published shape.

use super::build::Parts;
use super::model::{Fixed, GroupStep, PlannedGroup};
use super::predicted;
use super::steps::StepIds;
use crate::directory::{Anchor, ObjectGuid};
use std::borrow::Cow;

/// The stamp that a group is to get, with the value that is there; nothing where it is stamped.
pub(super) fn stamp_of<'a>(parts: &Parts<'a>, ad: u32) -> Option<(Option<&'a str>, Anchor)> {
    let inventory = parts.input.assessed.inventory();
    let group = inventory.ad.groups.get(ad as usize)?;
    let position = parts.forecast.position_of_ad(ad)?;
    let entra = inventory.entra.groups.get(parts.forecast.outcomes()[position].entra as usize)?;
    let wanted = Anchor(inventory.entra_object(entra).id);
    let now = inventory.text.get(group.edoi).filter(|t| !t.is_empty());
    let is_there = now.is_some_and(|now| now == wanted.to_string());
    (!is_there).then_some((now, wanted))
}

/// Whether V2 is held off the wave's groups before they are scoped in.
pub(super) fn is_frozen(parts: &Parts<'_>, ids: &StepIds, wave: usize) -> bool {
    parts.selection.waves[wave].canary && !ids.hold.is_empty()
}

/// What all groups of a wave have in common.
pub(super) struct InWave<'p> {
    pub parts: &'p Parts<'p>,
    pub ids: &'p StepIds,
    pub wave: usize,
}

impl InWave<'_> {
    pub fn group(&self, index: u32) -> PlannedGroup {
        let parts = self.parts;
        let inventory = parts.input.assessed.inventory();
        let candidate = &parts.candidates[index as usize];
        let ad = &inventory.ad.groups[candidate.entry.ad as usize];
        let entra = &inventory.entra.groups[candidate.entry.entra as usize];
        let object = inventory.ad_object(ad);
        let id = inventory.entra_object(entra).id;
        let dn = inventory.dn(ad.object);
        let position = parts.forecast.position_of_ad(candidate.entry.ad);
        let object_id = |i: &u32| {
            let row = parts.candidates[*i as usize].entry.entra;
            inventory.entra_object(&inventory.entra.groups[row as usize]).id.to_string()
        };
        PlannedGroup {
            object_id: id.to_string(),
            object_guid: object.guid.to_string(),
            sid: inventory.sids.get(object.sid).map(|s| s.to_string()),
            dn: dn.to_owned(),
            display_name: inventory.text.get(entra.display_name).map(str::to_owned),
            verdict: candidate.verdict,
            risk: parts.selection.risk(&parts.basis(), index),
            members: inventory.ad.members.row(candidate.entry.ad as usize).len() as u64,
            group_type: ad.group_type.map(|t| t.0),
            nests: parts.selection.children.row(index as usize).iter().map(object_id).collect(),
            unit: parts.selection.circle(index),
            fixes: candidate.fixes.iter().map(|rule| fixed(rule, self.ids)).collect(),
            decisions: candidate.decisions.iter().map(|d| u64::from(*d)).collect(),
            steps: self.steps(index, id, dn),
            predicted: predicted::of(parts.forecast, position, dn, parts.proposed.kept[index as usize]),
        }
    }

    fn steps(&self, index: u32, id: ObjectGuid, dn: &str) -> Vec<GroupStep> {
        let (parts, ids) = (self.parts, self.ids);
        let candidate = &parts.candidates[index as usize];
        let step = |kind: &'static str, step: &str, undo: &'static str| GroupStep {
            kind: Cow::Borrowed(kind),
            step: step.to_owned(),
            attribute: None,
            expects: None,
            writes: None,
            reversible: true,
            undo: Cow::Borrowed(undo),
        };
        let mut out = Vec::with_capacity(4);
        for (name, value) in parts.proposed.values(index as usize, dn) {
            out.push(GroupStep {
                attribute: Some(Cow::Owned(name.to_owned())),
                expects: extension_now(parts, candidate.entry.entra, name),
                writes: Some(value.into_owned()),
                ..step("write-extension", &ids.extension, "the former value, where the present one is still ours")
            });
        }
        if let Some((now, wanted)) = stamp_of(parts, candidate.entry.ad) {
            out.push(GroupStep {
                attribute: Some(Cow::Borrowed("msDS-ExternalDirectoryObjectId")),
                expects: now.map(str::to_owned),
                writes: Some(wanted.to_string()),
                ..step(
                    "stamp",
                    &ids.stamp,
                    "the former value, where the present one is still ours and no started job ever had the group in scope",
                )
            });
        }
        if is_frozen(parts, ids, self.wave) {
            out.push(GroupStep {
                attribute: Some(Cow::Borrowed("writebackConfiguration.isEnabled")),
                expects: Some("true".to_owned()),
                writes: Some("false".to_owned()),
                ..step("freeze", &ids.hold, "true again, while V2 is on")
            });
        }
        let (attribute, writes) = match parts.input.assessed.settings().scope {
            crate::assess::ScopeMode::Selected => ("appRoleAssignedTo", id.to_string()),
            crate::assess::ScopeMode::Attribute => ("WritebackEnabled", "true".to_owned()),
        };
        out.push(GroupStep {
            attribute: Some(Cow::Borrowed(attribute)),
            // The job's scope is emptied before the first wave.
            expects: None,
            writes: Some(writes),
            ..step("scope-in", &ids.scope[self.wave], "out of scope, after the job is paused and AD restored")
        });
        out.push(step("verify", &ids.verify[self.wave], "nothing to undo"));
        out
    }
}

fn fixed(rule: &str, ids: &StepIds) -> Fixed {
    let by = match rule {
        super::candidates::BY_SCOPE => "every group that it nests moves in this wave or an earlier one".to_owned(),
        _ if ids.extension.is_empty() => "the proposed mapping keeps its name and place".to_owned(),
        _ => format!("the proposed mapping keeps its name and place, with the extension values of {}", ids.extension),
    };
    Fixed { rule: rule.to_owned(), by }
}

fn extension_now(parts: &Parts<'_>, entra: u32, name: &str) -> Option<String> {
    let inventory = parts.input.assessed.inventory();
    let (first, count) = inventory.entra.groups.get(entra as usize)?.extensions;
    let own = inventory.entra.extensions.get(first as usize..first as usize + usize::from(count))?;
    let (_, value) = own.iter().find(|(n, _)| inventory.text.get(*n).is_some_and(|n| n.eq_ignore_ascii_case(name)))?;
    inventory.text.get(*value).map(str::to_owned)
}
