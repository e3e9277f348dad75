//! The plan, from bundles made for the purpose and from the example tenant: what may move, in which waves, by which
//! steps; what is refused, and where it is said. `GROUPSHIFT_UPDATE=1` rewrites the committed plan of the example.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/mod.rs"]
mod support;

#[path = "plan/example.rs"]
mod example;
#[path = "plan/files.rs"]
mod files;
#[path = "plan/mappings.rs"]
mod mappings;
#[path = "plan/refusals.rs"]
mod refusals;
#[path = "plan/scripts.rs"]
mod scripts;
#[path = "plan/waves.rs"]
mod waves;

use groupshift::assess::{AboutBundle, Assessed};
use groupshift::bundle;
use groupshift::directory::inventory::Evaluation;
use groupshift::error::Error;
use groupshift::plan::model::PlannedGroup;
use groupshift::plan::toml_file::TomlText;
use groupshift::plan::{self, Assembly, Input, Made, Order, Plan};
use std::path::Path;
use support::World;

/// What a plan is made with.
#[derive(Clone, Copy, Default)]
pub struct With<'a> {
    pub waves: Option<&'a str>,
    pub decisions: Option<&'a str>,
    pub order: Order,
    pub blockable: bool,
    pub evaluations: &'a [Evaluation],
}

pub fn try_plan(world: &World, with: With<'_>) -> Result<Made, Error> {
    plan_with(world, with, |assembly| Ok(Box::new(assembly.whole()?)))
}

pub fn plan_with<T>(
    world: &World,
    with: With<'_>,
    take: impl FnOnce(Assembly<'_>) -> Result<T, Error>,
) -> Result<Made<T>, Error> {
    let dir = tempfile::tempdir().unwrap();
    let bundle = world.bundle(dir.path())?;
    let (opened, inventory) = bundle::open(&bundle)?;
    let assessed = Assessed::run(&inventory, &world.settings, AboutBundle::of(&opened))?;
    let input = Input {
        assessed: &assessed,
        order: with.order,
        policy: with.waves.map(|text| TomlText { text, path: Path::new("waves.toml") }),
        decisions: with.decisions.map(|text| TomlText { text, path: Path::new("decisions.toml") }),
        bundle_path: "bundle".to_owned(),
        scripts_folder: "plan-scripts".to_owned(),
        draft: !with.blockable,
    };
    plan::plan_with(&input, with.evaluations, take)
}

pub fn made(world: &World, with: With<'_>) -> Plan {
    match try_plan(world, with).unwrap_or_else(|e| panic!("{e}")) {
        Made::Plan(plan) => *plan,
        Made::Blocked(stops) => panic!("{stops:?}"),
    }
}

/// The error of a plan that is refused, with its hints.
pub fn refusal(world: &World, with: With<'_>) -> String {
    match try_plan(world, with) {
        Err(e) => {
            assert_eq!(e.exit_code(), 2, "{e}");
            format!("{e} {}", e.hints.join(" "))
        }
        Ok(_) => panic!("it was planned"),
    }
}

pub fn names(plan: &Plan) -> Vec<(String, Vec<String>)> {
    let name = |g: &PlannedGroup| g.dn.split(',').next().unwrap().trim_start_matches("CN=").to_owned();
    plan.waves.iter().map(|w| (w.name.clone(), w.groups.iter().map(name).collect())).collect()
}

/// A world with clean groups 1 to `n`; `edges` are (parent, child), on both sides.
pub fn nested(n: u32, edges: &[(u32, u32)]) -> World {
    let mut world = World::base();
    for i in 1..=n {
        world.add_pair(i);
    }
    for (parent, child) in edges {
        let child_dn = support::group_dn(&format!("Extra {child}"));
        world.entry(&format!("Extra {parent}")).add("member", child_dn);
        let list = world.entra(&support::group_id(*parent))["members"].as_array_mut().unwrap();
        list.push(support::member("group", &support::group_id(*child)));
    }
    world
}
