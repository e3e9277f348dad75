//! One planned group in its published shape.

use super::build::Parts;
use super::model::{Fixed, GroupStep, PlannedGroup};
use super::predicted;
use super::steps::Steps;
use crate::bundle::write::hex;
use crate::directory::{Anchor, ObjectGuid};
use sha2::{Digest, Sha256};

/// The value that a group's stamp is to get, with the value that is there; nothing where it is stamped.
pub(super) fn stamp_of<'a>(parts: &Parts<'a>, ad: u32) -> Option<(Option<&'a str>, String)> {
    let inventory = parts.input.assessed.inventory();
    let group = inventory.ad.groups.get(ad as usize)?;
    let position = parts.forecast.position_of_ad(ad)?;
    let entra = inventory.entra.groups.get(parts.forecast.outcomes()[position].entra as usize)?;
    let wanted = Anchor(inventory.entra_object(entra).id).to_string();
    let now = inventory.text.get(group.edoi).filter(|t| !t.is_empty());
    (now != Some(wanted.as_str())).then_some((now, wanted))
}

/// Whether V2 is held off the wave's groups before they are scoped in.
pub(super) fn is_frozen(parts: &Parts<'_>, steps: &Steps, wave: usize) -> bool {
    parts.selection.waves[wave].canary && !steps.hold.is_empty()
}

pub(super) fn group(parts: &Parts<'_>, ids: &Steps, wave: usize, index: u32, frozen: bool) -> PlannedGroup {
    let assessed = parts.input.assessed;
    let inventory = assessed.inventory();
    let candidate = &parts.candidates[index as usize];
    let (ad, entra) =
        (&inventory.ad.groups[candidate.entry.ad as usize], &inventory.entra.groups[candidate.entry.entra as usize]);
    let object = inventory.ad_object(ad);
    let id = inventory.entra_object(entra).id;
    let dn = inventory.dn(ad.object);
    let (cn, parent) = &parts.proposed.names[index as usize];
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
        risk: parts.selection.risks[index as usize].clone(),
        members: inventory.ad.members.row(candidate.entry.ad as usize).len() as u64,
        members_sha256: members_hash(parts, candidate.entry.ad),
        group_type: ad.group_type.map(|t| t.0),
        nests: parts.selection.children.row(index as usize).iter().map(object_id).collect(),
        unit: parts.selection.circles[index as usize],
        fixes: candidate.fixes.iter().map(|rule| fixed(rule, ids)).collect(),
        decisions: candidate.decisions.iter().map(|d| u64::from(*d)).collect(),
        steps: group_steps(parts, ids, wave, index, id, frozen),
        predicted: predicted::of(parts.forecast, position, dn, (cn.as_deref(), parent.as_deref())),
    }
}

fn fixed(rule: &str, ids: &Steps) -> Fixed {
    let by = match rule {
        super::candidates::BY_SCOPE => "every group that it nests moves in this wave or an earlier one".to_owned(),
        _ if ids.extension.is_empty() => "the proposed mapping keeps its name and place".to_owned(),
        _ => format!("the proposed mapping keeps its name and place, with the extension values of {}", ids.extension),
    };
    Fixed { rule: rule.to_owned(), by }
}

fn group_steps(
    parts: &Parts<'_>,
    ids: &Steps,
    wave: usize,
    index: u32,
    id: ObjectGuid,
    frozen: bool,
) -> Vec<GroupStep> {
    let candidate = &parts.candidates[index as usize];
    let step = |kind: &str, step: &str, attribute: &str, undo: &str| GroupStep {
        kind: kind.to_owned(),
        step: step.to_owned(),
        attribute: Some(attribute.to_owned()),
        expects: None,
        writes: None,
        reversible: true,
        undo: undo.to_owned(),
    };
    let mut out = Vec::new();
    for (name, value) in &parts.proposed.values[index as usize] {
        out.push(GroupStep {
            expects: extension_now(parts, candidate.entry.entra, name),
            writes: Some(value.clone()),
            ..step("write-extension", &ids.extension, name, "the former value, where the present one is still ours")
        });
    }
    if let Some((now, wanted)) = stamp_of(parts, candidate.entry.ad) {
        out.push(GroupStep {
            expects: now.map(str::to_owned),
            writes: Some(wanted),
            ..step(
                "stamp",
                &ids.stamp,
                "msDS-ExternalDirectoryObjectId",
                "the former value, where the present one is still ours and no started job ever had the group in scope",
            )
        });
    }
    if frozen {
        out.push(GroupStep {
            expects: Some("true".to_owned()),
            writes: Some("false".to_owned()),
            ..step("freeze", &ids.hold, "writebackConfiguration.isEnabled", "true again, while V2 is on")
        });
    }
    let (attribute, writes) = match parts.input.assessed.settings().scope {
        crate::assess::ScopeMode::Selected => ("appRoleAssignedTo", id.to_string()),
        crate::assess::ScopeMode::Attribute => ("WritebackEnabled", "true".to_owned()),
    };
    out.push(GroupStep {
        // The job's scope is emptied before the first wave.
        expects: None,
        writes: Some(writes),
        ..step("scope-in", &ids.scope[wave], attribute, "out of scope, after the job is paused and AD restored")
    });
    out.push(GroupStep { attribute: None, ..step("verify", &ids.verify[wave], "", "nothing to undo") });
    out
}

fn extension_now(parts: &Parts<'_>, entra: u32, name: &str) -> Option<String> {
    let inventory = parts.input.assessed.inventory();
    let (first, count) = inventory.entra.groups.get(entra as usize)?.extensions;
    let own = inventory.entra.extensions.get(first as usize..first as usize + usize::from(count))?;
    let (_, value) = own.iter().find(|(n, _)| inventory.text.get(*n).is_some_and(|n| n.eq_ignore_ascii_case(name)))?;
    inventory.text.get(*value).map(str::to_owned)
}

fn members_hash(parts: &Parts<'_>, ad: u32) -> String {
    let inventory = parts.input.assessed.inventory();
    let mut names: Vec<String> =
        inventory.ad.members.row(ad as usize).iter().map(|m| inventory.dn(*m).to_lowercase()).collect();
    names.sort_unstable();
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update(b"\n");
    }
    hex(&hash.finalize())
}
