//! The difference: what each member's lot is, which name a group gets, who gains or loses access, what two scans say of
//! each other, and the reports.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
// A case is one row of a table: a tuple, whose expression drops what a helper hands back for chaining.
#![allow(dropping_references, clippy::type_complexity)]

#[expect(dead_code, reason = "each test program uses its own part of this")]
#[path = "browser/mod.rs"]
mod browser;
#[path = "support/mod.rs"]
mod support;

#[path = "diff/access.rs"]
mod access;
#[path = "diff/commands.rs"]
mod commands;
#[path = "diff/explain.rs"]
mod explain;
#[path = "diff/matching.rs"]
mod matching;
#[path = "diff/members.rs"]
mod members;
#[path = "diff/names.rs"]
mod names;
#[path = "diff/page.rs"]
mod page;
#[path = "diff/properties.rs"]
mod properties;
#[path = "diff/scans.rs"]
mod scans;

use groupshift::assess::{AboutBundle, Assessed};
use groupshift::bundle;
use groupshift::plan::difference::{Difference, ScopeChoice, forecast};
use groupshift::predict::{Fate, Forecast, Predicted};
use groupshift::report::diff::json;
use serde_json::Value;
use support::World;

/// A world's difference as its JSON says it.
pub struct Told {
    pub json: Value,
}

pub fn tell(world: &World, scope: ScopeChoice, option: Option<bool>) -> Told {
    let dir = tempfile::tempdir().unwrap();
    let path = world.bundle(dir.path()).unwrap_or_else(|e| panic!("{e}"));
    let (opened, inventory) = bundle::open(&path).unwrap();
    let about = AboutBundle::of(&opened);
    let assessed = Assessed::run(&inventory, &world.settings, AboutBundle::of(&opened)).unwrap();
    let forecast = forecast(&assessed, &world.settings, scope, option);
    shortcuts_hold(&forecast);
    let difference = Difference::of(&forecast, &world.settings, scope, &about);
    let mut bytes = Vec::new();
    json::write(&difference, &mut bytes).unwrap();
    Told { json: serde_json::from_slice(&bytes).unwrap() }
}

/// What is told of a group without looking at all of it is what a look at all of it tells.
fn shortcuts_hold(forecast: &Forecast<'_>) {
    for position in 0..forecast.len() {
        let mut whole: Vec<(String, Predicted)> = Vec::new();
        if let Some(after) = forecast.after(position) {
            whole.extend(after.attributes.into_iter().map(|a| (a.name, a.after)));
            whole.extend(after.sam_account_name.map(|sam| ("sAMAccountName".to_owned(), sam)));
        }
        whole.retain(|(_, after)| *after != Predicted::Unchanged);
        assert_eq!(forecast.changed(position), whole, "{:?}", forecast.outcomes()[position]);
        let perhaps = [Fate::MaybeLost, Fate::Open, Fate::KeptIfOption];
        let lines = forecast.members(position);
        let members = forecast.outcomes()[position].members;
        assert_eq!(members.perhaps_lost(), lines.iter().filter(|l| perhaps.contains(&l.fate)).count() as u64);
        assert_eq!(members.lost as usize, lines.iter().filter(|l| l.fate == Fate::Lost).count());
        assert_eq!(members.added as usize, lines.iter().filter(|l| l.fate == Fate::Added).count());
    }
}

pub fn told(world: &World) -> Told {
    tell(world, ScopeChoice::Planned, Some(true))
}

impl Told {
    pub fn groups(&self) -> &Vec<Value> {
        self.json["groups"].as_array().unwrap()
    }
    /// The group with this Entra id and an AD object, or this name of its AD object; there must be exactly one.
    pub fn group(&self, which: &str) -> &Value {
        let head = format!("CN={which},");
        let is = |g: &&Value| g["objectId"] == which || g["dn"].as_str().is_some_and(|d| d.starts_with(&head));
        let found: Vec<&Value> = self.groups().iter().filter(is).collect();
        assert_eq!(found.len(), 1, "{which}: {:#?}", self.groups());
        found[0]
    }
    pub fn summary(&self) -> &Value {
        &self.json["summary"]
    }
    /// `fate why` of the member with this Entra id or name in AD; `kept` where it is not listed as changing.
    pub fn fate(&self, group: &str, member: &str) -> String {
        let list = self.group(group)["memberChanges"].as_array().unwrap();
        let is = |m: &&Value| m["objectId"] == member || m["dn"] == member;
        match list.iter().find(is) {
            None => "-".to_owned(),
            Some(m) => match m["why"].as_str() {
                Some(why) => format!("{} {why}", m["fate"].as_str().unwrap()),
                None => m["fate"].as_str().unwrap().to_owned(),
            },
        }
    }
    pub fn attribute(&self, group: &str, name: &str) -> &Value {
        let list = self.group(group)["attributes"].as_array().unwrap();
        list.iter().find(|a| a["attribute"] == name).unwrap_or_else(|| panic!("{name}: {list:?}"))
    }
}

/// The texts of a list.
pub fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}
