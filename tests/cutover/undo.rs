//! Rollback after each stage of a run: the groups are byte for byte what they were, less what AD maintains itself
//! (`MAINTAINED_BY_AD`), and less the stamps where law 7 keeps them.

use super::lab::{Lab, differences};
use super::stations::{Station, expected};

#[test]
fn after_the_stamps() {
    let Some(mut lab) = Lab::at(Station::Stamped) else { return };
    assert_eq!(differences(&lab.fresh(), &lab.dump()).len(), 11);
    lab.rollback_all().code(0).says(&["Rolled back"]);
    assert_eq!(differences(&lab.fresh(), &lab.dump()), Vec::<String>::new());
    // A second time there is nothing left to do.
    lab.rollback_all().code(0);
    assert_eq!(differences(&lab.fresh(), &lab.dump()), Vec::<String>::new());
    lab.resume(&[]).code(2);
}

#[test]
fn one_group_alone() {
    let Some(lab) = Lab::at(Station::Stamped) else { return };
    let finance = lab.world.group("Finance");
    lab.rollback(&["--group", &finance.id()]).code(0);
    let left = differences(&lab.fresh(), &lab.dump());
    assert!(left.len() == 10 && left.iter().all(|l| !l.starts_with(&finance.dn())), "{left:?}");
}

#[test]
fn before_the_point_of_no_return_the_servers_go_back_too() {
    let Some(mut lab) = Lab::at(Station::Stamped) else { return };
    let begun = super::connect::Server::new();
    lab.drive(|_, step| step.contains("V2 off")).code(4);
    let server = &lab.administrator.server;
    assert_eq!((server.staging, server.scheduler, server.v2, server.rules.len()), (true, false, true, 3));
    lab.rollback_all().code(0);
    let server = &lab.administrator.server;
    assert_eq!((server.staging, server.scheduler, server.v2), (begun.staging, begun.scheduler, begun.v2));
    assert_eq!(server.rules, begun.rules);
    assert_eq!(differences(&lab.fresh(), &lab.dump()), Vec::<String>::new());
}

#[test]
fn after_the_point_of_no_return_stamps_and_rules_stay() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let before = lab.dump();
    lab.rollback_all().code(0).says(&["V2"]);
    // Nothing of AD had changed but by the run itself: the stamps, which stay, as do the rules.
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    assert_eq!((lab.administrator.server.v2, lab.administrator.server.rules.len()), (false, 3));
    assert_eq!((lab.state.in_scope().len(), lab.state.job().unwrap().code.as_str()), (0, "Paused"));
    let fresh = lab.fresh();
    let wanted: Vec<String> = expected(&lab, &fresh).into_iter().filter(|l| !l.contains("member: ")).collect();
    assert_eq!(differences(&fresh, &lab.dump()), wanted);
}

#[test]
fn a_wave_that_was_right_is_taken_back_and_done_again() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.work();
    let before = lab.dump();
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("Wave 1"));
    // Drifted was put right; taken back, the drift is there again.
    assert_eq!(differences(&before, &lab.dump()).len(), 2);
    lab.rollback(&["--wave", "Offices"]).code(0);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    assert_eq!(lab.state.in_scope().len(), 2);
}
