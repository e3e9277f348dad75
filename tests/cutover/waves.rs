//! A run from its first step to its last.

use super::lab::Lab;
use super::lab::{differences, values};
use super::stations::Station;

#[test]
fn three_waves_end_with_every_group_in_place() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let plan = lab.json("plan/plan.json");
    assert_eq!(plan["waves"].as_array().unwrap().len(), 3);
    let before = lab.dump();
    lab.finish().code(0).says(&["The cutover is done"]);
    println!("{:?}", differences(&before, &lab.dump()));
    println!("{:?}", values(&lab.lines("Drifted"), "member"));
}
