//! What the lab was made for: each of its groups is judged for what is wrong with it.

use crate::{Run, directory, export, world};
use directory::{Template, start};

#[test]
fn each_group_is_judged_for_what_it_was_made_to_be() {
    let Some(controller) = start(Template::World) else { return };
    let run = Run::new("");
    let world = world::World::v2();
    let folder = run.dir.path().join("exported");
    export(&controller, &folder);
    world::write_tenant(&world, &world::given(&controller), &folder);
    run.ok(&["collect", "--offline", "exported", "--out", "bundle"]);
    run.ok(&["assess", "bundle", "--out", "assessment"]);
    let assessment = run.json("assessment/assessment.json");
    for g in assessment["groups"].as_array().unwrap() {
        println!("{}", g);
    }
    panic!();
}
