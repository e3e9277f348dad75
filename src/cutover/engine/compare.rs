//! Two looks held against each other: every anchored group, not only those of the wave. What the job was predicted to
//! do is no difference; anything else is, and stops the run.

use super::look::anchored;
use crate::directory::ObjectGuid;
use crate::directory::inventory::{AdGroup, Inventory, NONE};
use crate::directory::same_dn;
use crate::predict::{Fate, Forecast, Predicted};
use hashbrown::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One thing that is not as predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Difference {
    /// Names it for `--accept`: the same difference has the same key.
    pub key: String,
    pub kind: Kind,
    pub object_guid: String,
    pub dn: String,
    pub expected: String,
    pub actual: String,
    /// The member it is about, by its DN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Deleted,
    Sid,
    Type,
    Stamp,
    Anchor,
    Name,
    MemberLost,
    MemberGained,
    /// Predicted and not there yet: perhaps in the job's next cycle.
    MemberMissing,
    Attribute,
    Duplicate,
    Created,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Deleted => "deleted",
            Kind::Sid => "sid",
            Kind::Type => "type",
            Kind::Stamp => "stamp",
            Kind::Anchor => "anchor",
            Kind::Name => "name",
            Kind::MemberLost => "member-lost",
            Kind::MemberGained => "member-gained",
            Kind::MemberMissing => "member-missing",
            Kind::Attribute => "attribute",
            Kind::Duplicate => "duplicate",
            Kind::Created => "created",
        }
    }
}

impl Difference {
    fn new(kind: Kind, guid: ObjectGuid, dn: &str, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        let (expected, actual) = (expected.into(), actual.into());
        let hash = Sha256::digest(format!("{}\n{guid}\n{expected}\n{actual}", kind.as_str()));
        let key = format!("D-{}", crate::bundle::write::hex(&hash[..4]));
        Difference { key, kind, object_guid: guid.to_string(), dn: dn.to_owned(), expected, actual, member: None }
    }
    pub fn line(&self) -> String {
        format!("{} {} {}: expected {}, found {}", self.key, self.kind.as_str(), self.dn, self.expected, self.actual)
    }
}

/// Which groups the job may have written, by objectGUID.
pub struct Expected<'e> {
    pub written: &'e HashSet<ObjectGuid>,
    /// Anchors of groups that V1 is expected to create, and that are therefore no surprise.
    pub created: &'e HashSet<ObjectGuid>,
    /// Groups that the run stamped between the two looks, each with its own anchor.
    pub stamped: &'e HashSet<ObjectGuid>,
    /// Groups that Connect maintains between the two looks: changes that follow Entra are its own.
    pub maintained: &'e HashSet<ObjectGuid>,
    /// A canary showed that the first update takes out members that the job cannot write, and that was accepted.
    pub strips: bool,
    /// A canary showed that a matched group moves where only its container differs.
    pub moves: bool,
}

/// Holds `after` against `before`. The forecasts are of the same looks, with the scope that the job had in between.
pub fn compare(before: &Forecast<'_>, after: &Forecast<'_>, expected: &Expected<'_>) -> Vec<Difference> {
    let (then, now) = (before.inventory(), after.inventory());
    let by_guid: HashMap<ObjectGuid, u32> =
        now.ad.groups.iter().enumerate().map(|(row, g)| (now.ad_object(g).guid, row as u32)).collect();
    let names = Names { then: Guids::of(then), now: Guids::of(now) };
    let mut out = Vec::new();
    let mut known = HashSet::new();
    for (row, guid) in anchored(then) {
        known.insert(guid);
        let old = &then.ad.groups[row as usize];
        let Some(new_row) = by_guid.get(&guid) else {
            let dn = then.dn(old.object);
            out.push(Difference::new(Kind::Deleted, guid, dn, "the group as it was", "no group of this objectGUID"));
            continue;
        };
        let written = expected.written.contains(&guid);
        let maintained = !written && expected.maintained.contains(&guid);
        let pair = Pair { guid, row, new_row: *new_row, written, maintained };
        identity(before, now, &pair, expected, &mut out);
        name(before, now, &pair, expected, &mut out);
        members(before, after, &pair, expected, &names, &mut out);
    }
    strangers(then, now, &known, expected, &mut out);
    out.sort_by(|a, b| (a.kind, &a.dn, &a.key).cmp(&(b.kind, &b.dn, &b.key)));
    out.dedup_by(|a, b| a.key == b.key);
    out
}

struct Pair {
    guid: ObjectGuid,
    row: u32,
    new_row: u32,
    /// By the job.
    written: bool,
    /// By Connect.
    maintained: bool,
}

fn text(inventory: &Inventory, text: crate::directory::Text) -> &str {
    inventory.text.get(text).unwrap_or("")
}

fn shown(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() }
}

fn identity(before: &Forecast<'_>, now: &Inventory, pair: &Pair, expected: &Expected<'_>, out: &mut Vec<Difference>) {
    let then = before.inventory();
    let (old, new) = (&then.ad.groups[pair.row as usize], &now.ad.groups[pair.new_row as usize]);
    let dn = now.dn(new.object);
    let mut differs = |kind, a: String, b: String| {
        if a != b {
            out.push(Difference::new(kind, pair.guid, dn, shown(&a), shown(&b)));
        }
    };
    let sid = |i: &Inventory, g: &AdGroup| i.sids.get(i.ad_object(g).sid).map(|s| s.to_string()).unwrap_or_default();
    differs(Kind::Sid, sid(then, old), sid(now, new));
    let group_type = |g: &AdGroup| g.group_type.map(|t| t.0.to_string()).unwrap_or_default();
    differs(Kind::Type, group_type(old), group_type(new));
    differs(Kind::Anchor, text(then, old.admin_description).to_owned(), text(now, new.admin_description).to_owned());
    let (stamp, mut wanted) = (text(now, new.edoi), text(then, old.edoi).to_owned());
    if expected.stamped.contains(&pair.guid)
        && let Some(anchor) = crate::predict::index::anchor_of(then, old)
    {
        wanted = anchor.to_string();
    }
    differs(Kind::Stamp, wanted, stamp.to_owned());
    let predicted = predicted_values(before, pair);
    let account = |i: &Inventory, g: &AdGroup| text(i, i.ad_object(g).sam_account_name).to_owned();
    let values = [
        ("sAMAccountName", account(then, old), account(now, new)),
        ("displayName", text(then, old.display_name).to_owned(), text(now, new.display_name).to_owned()),
        ("description", text(then, old.description).to_owned(), text(now, new.description).to_owned()),
    ];
    for (name, a, b) in values {
        let foreseen = predicted.iter().any(|(n, value)| n.eq_ignore_ascii_case(name) && *value == b);
        // While Connect maintains the groups, their texts follow Entra.
        let follows_entra = pair.maintained && name != "sAMAccountName";
        if !foreseen && !follows_entra {
            differs(Kind::Attribute, a, b);
        }
    }
}

/// What the job was predicted to write into a group that it takes.
fn predicted_values(before: &Forecast<'_>, pair: &Pair) -> Vec<(String, String)> {
    let after = pair.written.then(|| before.position_of_ad(pair.row).and_then(|p| before.after(p))).flatten();
    let Some(after) = after else { return Vec::new() };
    let account = after.sam_account_name.map(|p| ("sAMAccountName".to_owned(), p));
    let all = after.attributes.into_iter().map(|a| (a.name, a.after)).chain(account);
    all.filter_map(|(name, value)| match value {
        Predicted::Value(value) => Some((name, value)),
        _ => None,
    })
    .collect()
}

fn name(before: &Forecast<'_>, now: &Inventory, pair: &Pair, expected: &Expected<'_>, out: &mut Vec<Difference>) {
    let then = before.inventory();
    let old = then.dn(then.ad.groups[pair.row as usize].object);
    let new = now.dn(now.ad.groups[pair.new_row as usize].object);
    if same_dn(old, new) && old.to_lowercase() == new.to_lowercase() {
        return;
    }
    let predicted = pair.written.then(|| before.position_of_ad(pair.row).and_then(|p| before.after(p))).flatten();
    let readings = match predicted.map(|after| after.dn) {
        Some(Predicted::Value(dn)) => vec![dn],
        // What was open is settled by a canary; until then any change is shown.
        Some(Predicted::Unknown { candidates, .. }) if expected.moves => candidates,
        _ => Vec::new(),
    };
    if readings.iter().any(|dn| same_dn(dn, new)) {
        return;
    }
    out.push(Difference::new(Kind::Name, pair.guid, new, readings.first().map_or(old, String::as_str), new));
}

/// Object numbers of one look, and what they are on the other.
struct Guids {
    by_object: Vec<Member>,
    by_member: HashMap<Member, u32>,
}

/// What a member is in both looks: its objectGUID, or its name where it has none (a foreign principal, a bare name).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Member {
    Guid(ObjectGuid),
    Name(String),
}

impl Guids {
    fn of(inventory: &Inventory) -> Guids {
        let by_object: Vec<Member> = inventory
            .ad
            .objects
            .iter()
            .enumerate()
            .map(|(i, o)| match o.guid.is_nil() {
                true => Member::Name(inventory.dn(i as u32).to_lowercase()),
                false => Member::Guid(o.guid),
            })
            .collect();
        let by_member = by_object.iter().enumerate().map(|(i, m)| (m.clone(), i as u32)).collect();
        Guids { by_object, by_member }
    }
}

struct Names {
    then: Guids,
    now: Guids,
}

fn members(
    before: &Forecast<'_>,
    after: &Forecast<'_>,
    pair: &Pair,
    expected: &Expected<'_>,
    names: &Names,
    out: &mut Vec<Difference>,
) {
    let (then, now) = (before.inventory(), after.inventory());
    let dn = now.dn(now.ad.groups[pair.new_row as usize].object);
    let old: HashSet<&Member> =
        then.ad.members.row(pair.row as usize).iter().map(|m| &names.then.by_object[*m as usize]).collect();
    let new: HashSet<&Member> =
        now.ad.members.row(pair.new_row as usize).iter().map(|m| &names.now.by_object[*m as usize]).collect();
    let mut push = |kind, object: &str, a: &str, b: &str| {
        let text = format!("{object} {a}");
        let difference = Difference::new(kind, pair.guid, dn, text, b.to_owned());
        out.push(Difference { member: Some(object.to_owned()), ..difference });
    };
    let lost = old.iter().filter(|m| !new.contains(**m)).map(|m| (*m, names.then.by_member[*m]));
    let gained = new.iter().filter(|m| !old.contains(**m)).map(|m| (*m, names.now.by_member[*m]));
    // Gone because its account is gone is nobody's loss.
    let is_there = |member: &Member| names.now.by_member.contains_key(member);
    const LOST: [&str; 2] = ["to stay a member", "it is no member any more"];
    const GAINED: [&str; 2] = ["to be no member", "it is a member now"];
    if !pair.written {
        // Connect follows Entra, and nobody else may change the group.
        let wanted = |forecast: &Forecast<'_>, row: u32| match pair.maintained {
            true => forecast.counterparts_of(row),
            false => HashSet::new(),
        };
        let (wanted_then, wanted_now) = (wanted(before, pair.row), wanted(after, pair.new_row));
        for (member, object) in lost.filter(|(m, _)| is_there(m)) {
            let followed = wanted_then.contains(&object) && !wanted_now.contains(&names.now.by_member[member]);
            if !followed {
                push(Kind::MemberLost, then.dn(object), LOST[0], LOST[1]);
            }
        }
        for (_, object) in gained.filter(|(_, object)| !wanted_now.contains(object)) {
            push(Kind::MemberGained, now.dn(object), GAINED[0], GAINED[1]);
        }
        return;
    }
    // The forecast over the later look says what Entra wants now.
    let (fates_then, fates_now) = (fates(before, pair.row), fates(after, pair.new_row));
    for (member, object) in lost.filter(|(m, _)| is_there(m)) {
        let fate = fates_then.get(&object);
        let left_entra = fates_now.get(&names.now.by_member[member]).is_none();
        let predicted = fate == Some(&Fate::Lost) || (expected.strips && fate == Some(&Fate::MaybeLost));
        let followed = left_entra && (predicted || was_followed(&fates_then, object));
        if !(followed || (expected.strips && fate == Some(&Fate::MaybeLost))) {
            push(Kind::MemberLost, then.dn(object), LOST[0], LOST[1]);
        }
    }
    for (_, object) in gained {
        if !matches!(fates_now.get(&object), Some(Fate::Kept | Fate::KeptIfOption)) {
            push(Kind::MemberGained, now.dn(object), GAINED[0], GAINED[1]);
        }
    }
    for (object, _) in fates_now.iter().filter(|(_, fate)| **fate == Fate::Added) {
        push(Kind::MemberMissing, now.dn(*object), "to be a member, as in Entra", "it is not yet");
    }
}

/// A member that Entra had, and that the job or Connect writes: leaving Entra takes it out.
fn was_followed(fates: &HashMap<u32, Fate>, object: u32) -> bool {
    matches!(fates.get(&object), Some(Fate::Kept | Fate::KeptIfOption | Fate::Lost))
}

fn fates(forecast: &Forecast<'_>, row: u32) -> HashMap<u32, Fate> {
    let mut out = HashMap::new();
    if let Some(position) = forecast.position_of_ad(row) {
        forecast.visit_members(position, &mut |line| {
            if line.ad != NONE {
                out.insert(line.ad, line.fate);
            }
        });
    }
    out
}

/// Groups that were not there before, and anchors that several objects carry.
fn strangers(
    then: &Inventory,
    now: &Inventory,
    known: &HashSet<ObjectGuid>,
    expected: &Expected<'_>,
    out: &mut Vec<Difference>,
) {
    let anchor_of = crate::predict::index::anchor_of;
    let had: HashSet<ObjectGuid> = anchored(then)
        .iter()
        .filter_map(|(row, _)| anchor_of(then, &then.ad.groups[*row as usize]))
        .map(|a| a.0)
        .collect();
    let mut carriers: HashMap<String, Vec<ObjectGuid>> = HashMap::new();
    for (row, guid) in anchored(now) {
        let group = &now.ad.groups[row as usize];
        let stamp = text(now, group.edoi).to_lowercase();
        if !stamp.is_empty() {
            carriers.entry(stamp).or_default().push(guid);
        }
        if known.contains(&guid) {
            continue;
        }
        let Some(anchor) = anchor_of(now, group) else { continue };
        let dn = now.dn(group.object);
        if had.contains(&anchor.0) {
            out.push(Difference::new(
                Kind::Duplicate,
                guid,
                dn,
                "one AD group of this anchor",
                format!("a second group with {anchor}"),
            ));
        } else if !expected.created.contains(&anchor.0) {
            out.push(Difference::new(Kind::Created, guid, dn, "no new group", format!("a new group with {anchor}")));
        }
    }
    for (stamp, guids) in carriers.iter().filter(|(_, guids)| guids.len() > 1) {
        for guid in guids.iter().filter(|g| !known.contains(*g) || guids.iter().all(|g| known.contains(g))) {
            let row = now.ad.groups.iter().find(|g| now.ad_object(g).guid == *guid);
            let dn = row.map_or("", |g| now.dn(g.object));
            // Two that carried it before already are the assessment's business.
            let before = then.ad.groups.iter().filter(|g| text(then, g.edoi).to_lowercase() == *stamp).count();
            if before < guids.len() {
                out.push(Difference::new(
                    Kind::Duplicate,
                    *guid,
                    dn,
                    "one object with this stamp",
                    format!("{} objects carry {stamp}", guids.len()),
                ));
            }
        }
    }
    let carriers_then: HashSet<&str> = then.ad.environment.other_carriers.iter().map(|c| c.dn.as_str()).collect();
    for carrier in now.ad.environment.other_carriers.iter().filter(|c| !carriers_then.contains(c.dn.as_str())) {
        out.push(Difference::new(
            Kind::Duplicate,
            ObjectGuid::default(),
            &carrier.dn,
            "no other object with an anchor",
            format!("{} = {}", carrier.attribute, carrier.value),
        ));
    }
}
