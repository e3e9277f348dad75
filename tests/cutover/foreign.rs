//! Others at work at the same time: nothing of theirs is overwritten, and what they did is shown.

use super::lab::{Lab, differences, values};
use super::stations::Station;
use super::world::{OU, person_dn};

const STAMP: &str = "msDS-ExternalDirectoryObjectId";
const OTHERS: &str = "Group_00000000-0000-4000-8000-0000000000ff";

fn write_stamp(lab: &Lab, name: &str, value: &str) {
    let dn = lab.world.group(name).dn();
    lab.controller.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: {STAMP}\n{STAMP}: {value}\n-\n\n"));
}

#[test]
fn between_plan_and_run() {
    let Some(mut lab) = Lab::new() else { return };
    lab.plan("documented");
    write_stamp(&lab, "Finance", OTHERS);
    lab.controller.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: CN=Renamed\ndeleteoldrdn: 1\n\n",
        lab.world.group("Empty").dn()
    ));
    let before = lab.dump();
    let ran = lab.begin().code(5).says(&["not as the plan saw them", OTHERS, "CN=Renamed"]);
    assert!(ran.out.contains("Collect and plan again") || ran.out.contains("ollect"), "{}", ran.out);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    assert!(lab.state.writes().is_empty(), "{:?}", lab.state.writes());
}

#[test]
fn between_write_and_rollback() {
    let Some(mut lab) = Lab::at(Station::Stamped) else { return };
    write_stamp(&lab, "Finance", OTHERS);
    lab.controller.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: member\nmember: {}\n-\n\n",
        lab.world.group("Empty").dn(),
        person_dn(31)
    ));
    lab.rollback_all().code(5).says(&["conflict", OTHERS]);
    // Theirs stays; everything else is as it was before the run.
    let finance = lab.world.group("Finance").dn();
    let empty = lab.world.group("Empty").dn();
    assert_eq!(
        differences(&lab.fresh(), &lab.dump()),
        in_order(&lab, &[(&finance, format!("+ {STAMP}: {OTHERS}")), (&empty, format!("+ member: {}", person_dn(31)))])
    );
}

#[test]
fn between_a_wave_and_its_rollback() {
    let Some(lab) = Lab::at(Station::Canaries) else { return };
    let sales = lab.world.group("Sales").dn();
    lab.controller.modify(&format!("dn: {sales}\nchangetype: modify\ndelete: member\nmember: {}\n-\nadd: member\nmember: {}\n-\nreplace: description\ndescription: by hand\n-\n\n", person_dn(1), person_dn(32)));
    let theirs = lab.dump();
    lab.rollback(&["--wave", "Canary"]).code(5).says(&["Person 01", "Person 32", "description"]);
    assert_eq!(differences(&theirs, &lab.dump()), Vec::<String>::new());
    assert_eq!((lab.state.in_scope().len(), lab.state.job().unwrap().code.as_str()), (0, "Paused"));
}

#[test]
fn a_member_list_that_shrank_stops_before_a_removal() {
    let Some(mut lab) = Lab::at(Station::Ready) else { return };
    let (everybody, shift) = (lab.world.group("Everybody").id(), lab.world.group("Night Shift").id());
    lab.state.empty(&everybody);
    for number in 41..=46 {
        lab.state.remove_member(&shift, &super::world::id(&format!("u{number}")));
    }
    let before = lab.dump();
    lab.work();
    // The canaries go through; the wave that holds the emptied group does not begin.
    let ran = lab.resume(&[]).code(5).says(&["Everybody", "empty or much smaller", &format!("shrunk:{everybody}")]);
    assert!(!ran.out.contains("Night Shift"), "it is not this wave's: {}", ran.out);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    assert_eq!((lab.state.in_scope().len(), lab.state.job().unwrap().code.as_str()), (2, "Paused"));
    // Back again, the wave goes on.
    for number in [1, 2, 3, 4, 5, 11, 12] {
        lab.state.add_member(&everybody, &super::world::id(&format!("u{number}")));
    }
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("Offices"));
}

#[test]
fn somebody_starts_the_job_or_changes_its_scope() {
    let Some(mut lab) = Lab::at(Station::Ready) else { return };
    let bystander = lab.world.group("Bystander").clone();
    lab.state.assign(&bystander.id());
    lab.work();
    let before = lab.dump();
    lab.resume(&[]).code(5).says(&["scope", &bystander.id()]);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    lab.state.unassign(&bystander.id());
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("Offices"));
}

#[test]
fn pending_exports_of_an_anchored_group_stop_the_wave() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let sales = lab.world.group("Sales").clone();
    lab.administrator.server.pending = vec![super::connect::Pending::delete(&sales.dn(), &sales.anchor())];
    lab.work();
    let before = lab.dump();
    lab.resume(&[]).code(5).says(&["DELETED", &sales.anchor()]);
    assert_eq!((differences(&before, &lab.dump()), lab.state.in_scope().len()), (Vec::new(), 2));
    lab.administrator.server.pending.clear();
    lab.resume(&[]).code(4);
    lab.work();
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("Wave 1"));
}

/// Differences in the order in which two dumps give them.
fn in_order(lab: &Lab, wanted: &[(&String, String)]) -> Vec<String> {
    let mut out = Vec::new();
    for lines in lab.fresh().values() {
        let dn = values(lines, "dn").pop().unwrap();
        out.extend(wanted.iter().filter(|(name, _)| **name == dn).map(|(name, what)| format!("{name}: {what}")));
    }
    assert!(OU.len() > 3 && out.len() == wanted.len());
    out
}
