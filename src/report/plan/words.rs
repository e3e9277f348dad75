//! Sentences that both pages of a plan share.

use crate::plan::model::{Plan, Step, Wave};
use crate::plan::{Order, WaveSize};
use crate::report::html::count;
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// One sitting: when, and its steps.
pub struct Sitting<'p> {
    pub number: u32,
    /// `Tuesday, 24 November 2026, 20:00 UTC`, or `Day 1`.
    pub when: String,
    /// What it is for.
    pub purpose: String,
    pub steps: Vec<&'p Step>,
}

/// The answer in one sentence.
pub fn headline(plan: &Plan) -> String {
    let s = &plan.summary;
    if s.planned == 0 {
        return "No group can move yet.".to_owned();
    }
    let order = match plan.order {
        Order::Documented => "in Microsoft's documented order",
        Order::CanaryFirst => "canary-first",
    };
    let names = match s.renamed_or_moved {
        0 => "every one keeps its name and place".to_owned(),
        n => format!("{} not proved to keep name and place", count(n, "is", "are")),
    };
    format!(
        "{} of {} written-back groups move in {}, {order}; {names}.",
        s.planned,
        s.assessed,
        count(s.waves, "wave", "waves")
    )
}

/// A time as a person says it; UTC.
pub fn time(at: Option<&str>) -> Option<String> {
    let at: DateTime<Utc> = at?.parse().ok()?;
    Some(at.format("%A, %-d %B %Y, %H:%M UTC").to_string())
}

/// The sittings in their order, with the steps of each.
pub fn sittings<'p>(plan: &'p Plan, sizes: &[WaveSize]) -> Vec<Sitting<'p>> {
    let mut out: Vec<Sitting<'p>> = Vec::new();
    for step in &plan.steps {
        if out.last().is_none_or(|s| s.number != step.session) {
            let days = u64::from(step.session.saturating_sub(1)) * plan.policy.days_between;
            let when = match (step.session, time(step.at.as_deref())) {
                (0, _) => "Before the first night".to_owned(),
                (_, Some(time)) => time,
                (_, None) => format!("Day {}", days + 1),
            };
            out.push(Sitting { number: step.session, when, purpose: String::new(), steps: Vec::new() });
        }
        if let Some(last) = out.last_mut() {
            last.steps.push(step);
        }
    }
    let mut waves: HashMap<u32, Vec<(&Wave, &WaveSize)>> = HashMap::new();
    for (wave, size) in plan.waves.iter().zip(sizes) {
        waves.entry(wave.session).or_default().push((wave, size));
    }
    for sitting in &mut out {
        sitting.purpose = purpose(waves.get(&sitting.number).map_or(&[], Vec::as_slice), sitting);
    }
    out
}

/// What a sitting is for, with the waves that are done in it.
fn purpose(waves: &[(&Wave, &WaveSize)], sitting: &Sitting<'_>) -> String {
    let mut parts = Vec::new();
    if sitting.number == 0 {
        parts.push("everything is checked, kept and stamped; nothing that a user could notice changes".to_owned());
    }
    let has = |kind: &str| sitting.steps.iter().any(|s| s.kind == kind);
    if has("disable-v2") {
        parts.push(
            "Connect enters staging, gets the coexistence rules, and group writeback V2 goes off for good".to_owned(),
        );
    }
    if has("throwaway") {
        parts.push("a throwaway group shows what Cloud Sync really does".to_owned());
    }
    for (wave, size) in waves {
        parts.push(format!(
            "{} is scoped in ({}) and compared with the prediction",
            wave.name,
            count(size.groups, "group", "groups")
        ));
    }
    if has("final-job") {
        parts.push("the job gets its lasting settings, and everything is audited".to_owned());
    }
    let mut text = parts.join("; ");
    if let Some(first) = text.get(..1) {
        text = format!("{}{}", first.to_uppercase(), &text[1..]);
    }
    text
}

/// How long a wave's groups stand frozen.
pub fn frozen(wave: &Wave) -> String {
    match wave.days_frozen {
        None => "not at all (V2 is still on)".to_owned(),
        Some(0) => "hours".to_owned(),
        Some(days) => count(days, "day", "days"),
    }
}

pub fn minutes(minutes: u64) -> String {
    match minutes {
        m if m < 120 => count(m, "minute", "minutes"),
        m => format!("{} h {:02} min", m / 60, m % 60),
    }
}

/// What the order risks, and what the other one would.
pub fn order_risk(plan: &Plan) -> String {
    let longest = plan.waves.iter().filter_map(|w| w.days_frozen).max().unwrap_or(0);
    match plan.order {
        Order::Documented => format!(
            "V2 goes off before the first group was seen under Cloud Sync: what the canary then shows can no longer be answered by going back to V2. Groups of the last wave stand frozen for {}: who leaves a group in Entra keeps what it gives in AD for that long. The other order, --order canary-first, shows a first wave while V2 is still on, and pays for it by holding Connect off the canaries meanwhile.",
            count(longest, "day", "days")
        ),
        Order::CanaryFirst => {
            let hold = match plan.policy.hold {
                crate::plan::model::Hold::Staging => {
                    "Connect stands in staging from the first night until V2 is off and checked: password hash sync and password writeback through it stop for that time."
                }
                crate::plan::model::Hold::Writeback => {
                    "Connect is held off the canaries by isEnabled=false, which leaves them frozen; two files of pending exports must show it."
                }
            };
            format!(
                "A first wave is verified under Cloud Sync while V2 is still on. {hold} Groups of later waves stand frozen for up to {} after V2 is off.",
                count(longest, "day", "days")
            )
        }
    }
}

pub const NO_RETURN: &str = "Turning GroupWritebackV2 off is documented as irreversible. After it a rollback means: names, members and attributes in AD are restored from the snapshots, and no engine maintains the groups until a Cloud Sync job does. The coexistence rules and the stamps stay: without them Connect would delete the groups.";

pub const ROLLBACK: [&str; 6] = [
    "Pause the job, and read that back. Nothing else helps while it writes.",
    "Restore AD from the snapshots: members, names, places. Only what this plan changed, and only where it is still as the plan left it; what others changed since is reported, never overwritten.",
    "Take the groups out of the job's scope.",
    "Remove stamps only from groups that were never in a started job's scope: another scoping would otherwise make duplicates.",
    "Connect's steps are undone by the scripts named beside them, while V2 is on.",
    "Compare every group with its snapshot: what is back, and what is not.",
];

pub const RULES_STAY: [&str; 3] = [
    "Never untick \"Group writeback\" in the Connect wizard while the two coexistence rules stand: the next cycle deletes every group that the feature wrote.",
    "Keep the writeback container, its groups and their members in Connect's scope until the last wave was verified: under JoinNoFlow references still flow.",
    "When the rules may go is documented nowhere. They stay as long as Connect reads the container or writes groups back at all; before anybody retires them, a server in staging without them must show no pending delete of an anchored group. They also block Microsoft's own Connect-to-Cloud-Sync migration tool.",
];
