//! What a cycle does to the groups in scope, and what provisioning one of them is.

use super::cloud::Snapshot;
use super::directory::{Found, Hand, Hands};
use super::{Behaviour, DUPLICATES, Deed, Memory, Misdeed};
use groupshift::directory::{Anchor, ObjectGuid, escape_value, same_dn};
use groupshift::predict::expression::{Attr, Attributes, Outcome, Value as Text};
use groupshift::predict::graph_property;
use groupshift::predict::mapping::{CompiledMapping, compile};
use groupshift::predict::schema::{FlowTypes, SynchronizationSchema};
use serde_json::Value;
use std::collections::BTreeSet;

pub struct Cycled {
    pub deeds: Vec<(String, Deed)>,
    pub done: Vec<(String, Misdeed)>,
}

type Done<T = ()> = Result<T, String>;

/// The mapping of groups, ready to be evaluated.
struct Mappings {
    all: Vec<CompiledMapping>,
    flow: FlowTypes,
}

impl Mappings {
    fn of(snapshot: &Snapshot) -> Done<Mappings> {
        let schema: SynchronizationSchema =
            serde_json::from_value(snapshot.schema.clone()).map_err(|e| format!("the schema: {e}"))?;
        let mapping = schema.group_mapping()?.mapping;
        Ok(Mappings { all: mapping.attribute_mappings.iter().map(compile).collect(), flow: mapping.flow_types.clone() })
    }
    /// What a mapping gives for a group; nothing where it gives none, or where there is no such mapping.
    fn value(&self, target: &str, group: &Value, today: Option<&str>) -> Done<Option<String>> {
        let Some(mapping) = self.all.iter().find(|m| m.target.eq_ignore_ascii_case(target)) else { return Ok(None) };
        let text = |value: &Text| value.as_text().filter(|t| !t.is_empty()).map(std::borrow::Cow::into_owned);
        match mapping.value(&Source(group)) {
            Outcome::Value(value) => Ok(text(&value)),
            Outcome::Drop => Ok(None),
            Outcome::Error(error) => Err(format!("the mapping of {target}: {error}")),
            // Of several readings, what stands there, else the first.
            Outcome::Unknown { candidates, .. } => {
                let mut readings = candidates.iter().filter_map(text);
                Ok(readings.clone().find(|c| Some(c.as_str()) == today).or_else(|| readings.next()))
            }
        }
    }
}

/// A group of the tenant as the source of expressions.
struct Source<'g>(&'g Value);

impl Attributes for Source<'_> {
    fn get(&self, name: &str) -> Attr {
        let object = self.0.as_object();
        let wanted = graph_property(name);
        let found = object.and_then(|o| o.iter().find(|(k, _)| k.eq_ignore_ascii_case(wanted)).map(|(_, v)| v));
        match found {
            None | Some(Value::Null) => Attr::Absent,
            Some(Value::String(text)) => Attr::Value(Text::str(text)),
            Some(Value::Bool(b)) => Attr::Value(Text::Bool(*b)),
            Some(other) => Attr::Value(Text::str(other.to_string())),
        }
    }
    fn service(&self, _: &str) -> Attr {
        Attr::Value("contoso.test".into())
    }
}

pub async fn cycle(hands: &Hands, snapshot: &Snapshot, behaviour: &Behaviour, memory: &mut Memory) -> Done<Cycled> {
    let mut out = Cycled { deeds: Vec::new(), done: Vec::new() };
    // A schema that was saved anew has every group looked at again.
    if memory.schema != snapshot.schema_mark() {
        memory.schema = snapshot.schema_mark();
        memory.seen.values_mut().for_each(|mark| *mark = 0);
    }
    let due: Vec<String> = snapshot
        .assigned
        .iter()
        .filter(|id| snapshot.takes(id) && memory.seen.get(*id) != Some(&snapshot.mark(id)))
        .cloned()
        .collect();
    let left: Vec<String> = memory.seen.keys().filter(|id| !snapshot.takes(id)).cloned().collect();
    if due.is_empty() && left.is_empty() {
        return Ok(out);
    }
    let mappings = Mappings::of(snapshot)?;
    let mut hand = hands.reach().await?;
    for id in due {
        let mut own = behaviour.misdeeds.iter().filter(|(group, _)| *group == id);
        if let Some(skip) = own.clone().find(|(_, m)| *m == Misdeed::Skips) {
            out.done.push(skip.clone());
            memory.seen.insert(id.clone(), snapshot.mark(&id));
            continue;
        }
        let deed = provision(&mut hand, snapshot, behaviour, &mappings, &id, None).await?;
        if deed.status != "failure" {
            memory.seen.insert(id.clone(), snapshot.mark(&id));
        }
        if let Some(misdeed) = own.next() {
            do_misdeed(&mut hand, &id, &misdeed.1).await?;
            out.done.push(misdeed.clone());
        }
        out.deeds.push((id, deed));
    }
    leave(&mut hand, snapshot, behaviour, &mappings, memory, left, &mut out).await?;
    Ok(out)
}

/// One group, on demand: with these members alone.
pub async fn one(
    hands: &Hands,
    snapshot: &Snapshot,
    behaviour: &Behaviour,
    id: &str,
    only: Option<&[String]>,
) -> Done<(Deed, Vec<(String, Misdeed)>)> {
    if !snapshot.takes(id) {
        return Ok((Deed::skipped("NotEffectivelyEntitled", "the group is not in the job's scope"), Vec::new()));
    }
    let mut hand = hands.reach().await?;
    let deed = provision(&mut hand, snapshot, behaviour, &Mappings::of(snapshot)?, id, only).await?;
    let misdeed = behaviour.misdeeds.iter().find(|(group, m)| group == id && *m != Misdeed::Skips).cloned();
    if let Some((_, misdeed)) = &misdeed {
        do_misdeed(&mut hand, id, misdeed).await?;
    }
    Ok((deed, misdeed.into_iter().collect()))
}

async fn matched(hand: &mut Hand, behaviour: &Behaviour, id: &str) -> Done<Vec<Found>> {
    let anchor = format!("Group_{id}");
    let found = hand.by_stamp(&anchor).await?;
    Ok(found.into_iter().filter(|f| behaviour.case_blind || f.stamp.as_deref() == Some(&anchor)).collect())
}

async fn provision(
    hand: &mut Hand,
    snapshot: &Snapshot,
    behaviour: &Behaviour,
    mappings: &Mappings,
    id: &str,
    only: Option<&[String]>,
) -> Done<Deed> {
    let group = snapshot.group(id);
    let mut found = matched(hand, behaviour, id).await?;
    if found.len() > 1 {
        return Ok(Deed::failed(DUPLICATES, format!("{} objects carry the stamp of {id}", found.len())));
    }
    let Some(now) = found.pop() else { return create(hand, snapshot, behaviour, mappings, id, &group).await };
    if mappings.flow.update() != Some(true) {
        return Ok(Deed::skipped("RedundantExport", "the flow types hold no Update"));
    }
    let mut changed = false;
    let (cn, parent) = (now.cn(), now.parent());
    let new_cn = mappings.value("cn", &group, Some(&cn))?.unwrap_or_else(|| cn.clone());
    let wanted = mappings.value("parentDistinguishedName", &group, Some(&parent))?;
    let new_parent = wanted.filter(|p| behaviour.moves && !same_dn(p, &parent)).unwrap_or_else(|| parent.clone());
    let mut dn = now.dn.clone();
    if new_cn != cn || new_parent != parent {
        if let Err(says) = hand.rename(&dn, &new_cn, &new_parent).await {
            return Ok(Deed::failed("EntryUpdateFailed", says));
        }
        dn = format!("CN={},{new_parent}", escape_value(&new_cn));
        changed = true;
    }
    for target in ["displayName", "description", "adminDescription", "sAMAccountName"] {
        let today = now.text(target);
        if let Some(value) = mappings.value(target, &group, today)?.filter(|v| Some(v.as_str()) != today) {
            if let Err(says) = hand.write(&dn, target, &value).await {
                return Ok(Deed::failed("EntryUpdateFailed", says));
            }
            changed = true;
        }
    }
    let (add, remove) = members(hand, snapshot, behaviour, id, &now, only).await?;
    changed |= !add.is_empty() || !remove.is_empty();
    if let Err(says) = hand.relate(&dn, &add, &remove).await {
        return Ok(Deed::failed("MemberUpdateFailed", says));
    }
    Ok(match changed {
        true => Deed::done("update", &dn),
        false => Deed::skipped("RedundantExport", "nothing was to be changed"),
    })
}

async fn create(
    hand: &mut Hand,
    snapshot: &Snapshot,
    behaviour: &Behaviour,
    mappings: &Mappings,
    id: &str,
    group: &Value,
) -> Done<Deed> {
    if mappings.flow.add() != Some(true) {
        return Ok(Deed::skipped("SkipReason:NotInTarget", "no group has the stamp, and none is made"));
    }
    let (cn, parent) = (mappings.value("cn", group, None)?, mappings.value("parentDistinguishedName", group, None)?);
    let (Some(cn), Some(parent)) = (cn, parent) else {
        return Ok(Deed::failed("AttributeMappingError", "the mappings give no name"));
    };
    let (dn, anchor) = (format!("CN={},{parent}", escape_value(&cn)), format!("Group_{id}"));
    let display = group["displayName"].as_str().unwrap_or("(none)");
    let attributes =
        [("msDS-ExternalDirectoryObjectId", anchor.as_str()), ("adminDescription", &anchor), ("displayName", display)];
    if let Err(says) = hand.create(&dn, &attributes).await {
        return Ok(Deed::failed("EntryCreateFailed", says));
    }
    let new = Found { dn: dn.clone(), ..Found::default() };
    let (add, _) = members(hand, snapshot, behaviour, id, &new, None).await?;
    hand.relate(&dn, &add, &[]).await?;
    Ok(Deed::done("create", &dn))
}

/// Whom an Entra member stands for in AD, and whether the job writes it.
async fn reference(
    hand: &mut Hand,
    snapshot: &Snapshot,
    behaviour: &Behaviour,
    member: &str,
) -> Done<(Option<String>, bool)> {
    let dn = |found: Option<Found>| found.map(|f| f.dn);
    if snapshot.is_user(member) {
        let user = snapshot.users.get(member).cloned().unwrap_or(Value::Null);
        let guid = user["onPremisesObjectIdentifier"].as_str().and_then(ObjectGuid::parse);
        let by_guid = match guid {
            Some(guid) => dn(hand.by_guid(guid).await?),
            None => None,
        };
        if by_guid.is_some() {
            return Ok((by_guid, behaviour.on_premises_members));
        }
        return Ok(match user["onPremisesSecurityIdentifier"].as_str() {
            Some(sid) => (dn(hand.by_sid(sid).await?), false),
            None => (None, false),
        });
    }
    if !snapshot.is_group(member) {
        return Ok((None, false));
    }
    let group = snapshot.group(member);
    if group["onPremisesSyncEnabled"] == Value::Bool(true) {
        return Ok(match group["onPremisesSecurityIdentifier"].as_str() {
            Some(sid) => (dn(hand.by_sid(sid).await?), false),
            None => (None, false),
        });
    }
    let mut found = matched(hand, behaviour, member).await?;
    if snapshot.takes(member) && found.len() == 1 {
        return Ok((dn(found.pop()), true));
    }
    let anchor = ObjectGuid::parse(member).map(|id| Anchor(id).to_string()).unwrap_or_default();
    Ok((dn(hand.by_admin_description(&anchor).await?.pop()), false))
}

/// Who comes in and who goes out.
async fn members(
    hand: &mut Hand,
    snapshot: &Snapshot,
    behaviour: &Behaviour,
    id: &str,
    now: &Found,
    only: Option<&[String]>,
) -> Done<(Vec<String>, Vec<String>)> {
    let (mut wanted, mut stands) = (BTreeSet::new(), BTreeSet::new());
    for member in snapshot.members_of(id).cloned().collect::<Vec<_>>() {
        match reference(hand, snapshot, behaviour, &member).await? {
            (Some(dn), true) if only.is_none_or(|o| o.contains(&member)) => drop(wanted.insert(dn)),
            (Some(dn), _) => drop(stands.insert(dn)),
            (None, _) => {}
        }
    }
    let is_in = |set: &BTreeSet<String>, dn: &str| set.iter().any(|w| same_dn(w, dn));
    let add = wanted.iter().filter(|dn| !now.has(dn)).cloned().collect();
    let goes = |dn: &&String| !is_in(&wanted, dn) && (!is_in(&stands, dn) || behaviour.strips_unprovisionable);
    let remove = now.members.iter().filter(|dn| only.is_none() && goes(dn)).cloned().collect();
    Ok((add, remove))
}

/// Groups that left the scope.
async fn leave(
    hand: &mut Hand,
    snapshot: &Snapshot,
    behaviour: &Behaviour,
    mappings: &Mappings,
    memory: &mut Memory,
    left: Vec<String>,
    out: &mut Cycled,
) -> Done {
    let forbidden = snapshot.secret("SkipOutOfScopeDeletions").is_some_and(|v| v.eq_ignore_ascii_case("true"))
        || mappings.flow.delete() != Some(true);
    let deletes = behaviour.deletes_out_of_scope && (behaviour.ignores_settings || !forbidden);
    if deletes && left.len() as u64 >= threshold(snapshot) {
        let says = "held back: too many deletions".to_owned();
        let staged = Deed { action: "stagedDelete", status: "skipped", code: "TooManyDeletes", says, target: None };
        out.deeds.extend(left.into_iter().map(|id| (id, staged.clone())));
        return Ok(());
    }
    for id in left {
        memory.seen.remove(&id);
        let found = if deletes { matched(hand, behaviour, &id).await? } else { Vec::new() };
        let deed = match found.as_slice() {
            [one] => {
                hand.delete(&one.dn).await?;
                Deed::done("delete", &one.dn)
            }
            _ => Deed::skipped("OutOfScope", "left as it is"),
        };
        out.deeds.push((id, deed));
    }
    Ok(())
}

/// As many deletions as this hold the job.
fn threshold(snapshot: &Snapshot) -> u64 {
    let settings = snapshot.secret("SyncNotificationSettings").and_then(|v| serde_json::from_str::<Value>(v).ok());
    let Some(settings) = settings else { return 500 };
    match settings["DeleteThresholdEnabled"].as_bool() {
        Some(false) => u64::MAX,
        _ => settings["DeleteThresholdValue"].as_u64().unwrap_or(500),
    }
}

async fn do_misdeed(hand: &mut Hand, id: &str, misdeed: &Misdeed) -> Done {
    let anchor = format!("Group_{id}");
    if let Misdeed::Touches { group, member } = misdeed {
        return hand.relate(group, std::slice::from_ref(member), &[]).await;
    }
    let Some(now) = hand.by_stamp(&anchor).await?.pop() else { return Err(format!("{anchor} is nowhere")) };
    let attributes = [("msDS-ExternalDirectoryObjectId", anchor.as_str()), ("adminDescription", &anchor)];
    match misdeed {
        Misdeed::Empties => hand.relate(&now.dn, &[], &now.members).await,
        Misdeed::TakesOut(member) => hand.relate(&now.dn, &[], std::slice::from_ref(member)).await,
        Misdeed::Adds(member) => hand.relate(&now.dn, std::slice::from_ref(member), &[]).await,
        Misdeed::Renames(cn) => hand.rename(&now.dn, cn, &now.parent()).await,
        Misdeed::MovesTo(parent) => hand.rename(&now.dn, &now.cn(), parent).await,
        Misdeed::Duplicates => {
            hand.create(&format!("CN={} 2,{}", escape_value(&now.cn()), now.parent()), &attributes).await
        }
        Misdeed::Deletes => hand.delete(&now.dn).await,
        Misdeed::Recreates => {
            hand.delete(&now.dn).await?;
            hand.create(&now.dn, &attributes).await?;
            hand.relate(&now.dn, &now.members, &[]).await
        }
        Misdeed::Describes(text) => hand.write(&now.dn, "description", text).await,
        Misdeed::Touches { .. } | Misdeed::Skips => Ok(()),
    }
}
