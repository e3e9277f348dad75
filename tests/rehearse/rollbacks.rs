//! Rollback of everything, a wave, a group, from every step: what was, is again; what others changed is theirs.

use crate::stage::{Kind, Play, documented, stage};
use crate::support::{user_dn, user_id};
use groupshift::cutover::engine::Ending;
use groupshift::cutover::record::{RunState, StepState};
use groupshift::cutover::rollback::{Rolled, Target};
use groupshift::directory::ObjectGuid;
use groupshift::plan::model::Step;
use groupshift::twin::{Behaviour, Edit};

/// The lines of a dump that speak of these words.
fn of(dump: &str, words: &[&str]) -> Vec<String> {
    dump.lines().filter(|l| words.iter().any(|w| l.trim_start().starts_with(w))).map(str::to_owned).collect()
}

/// AD as it was: every group, every attribute, but the stamps where they stay.
fn forest(dump: &str, with_stamps: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut throwaway = false;
    for line in dump.lines().take_while(|l| !l.starts_with("job ")) {
        if line.starts_with("group ") || line.starts_with("entra ") {
            throwaway = line.contains("throwaway");
        }
        if !throwaway && (with_stamps || !line.contains("msDS-ExternalDirectoryObjectId")) {
            // Being a member of the throwaway is no change of anybody.
            out.push(line.to_owned());
        }
    }
    out
}

fn clean(rolled: &Rolled) {
    assert!(rolled.conflicts.is_empty() && rolled.stuck.is_empty() && rolled.different.is_empty(), "{rolled:#?}");
}

#[test]
fn everything_from_every_step() {
    for kind in [Kind::default(), Kind { canary_first: true, with_job: true, ..Kind::default() }] {
        let staged = stage(kind);
        let off = staged.plan.steps.iter().position(|s| s.point_of_no_return).unwrap();
        let first_start = staged.plan.steps.iter().position(|s| s.kind == "start-job").unwrap();
        for (at, step) in staged.plan.steps.iter().enumerate() {
            let mut play = staged.play();
            let before = play.twin.dump();
            play.go_until_done(step);
            let rolled = play.rolled(&Target::All);
            clean(&rolled);
            let after = play.twin.dump();
            // A stamp stays where V2 is off, and on a group that a started job may have matched.
            let stamps_go = at < off && at < first_start;
            assert_eq!(
                forest(&after, stamps_go),
                forest(&before, stamps_go),
                "after {} {}\n{}",
                step.id,
                step.title,
                play.log()
            );
            if kind.with_job {
                // The service takes no setting away: what was not set is set to what the service does without it.
                let unset = |d: &str| d.replace("(\"SkipOutOfScopeDeletions\", \"False\"), ", "");
                let job = ["schema", "secrets"];
                assert_eq!(of(&unset(&after), &job), of(&unset(&before), &job), "{}", step.title);
                let scope = |d: &str| of(d, &["job"])[0].split(" scope ").nth(1).unwrap().to_owned();
                assert_eq!(scope(&after), scope(&before), "{}", step.title);
            }
            if at < off {
                let servers = ["server", "scheduler", "v2"];
                assert_eq!(of(&after, &servers), of(&before, &servers), "after {} {}", step.id, step.title);
            }
            assert_eq!(play.record().state, RunState::RolledBack);
            play.intact();
            // And it does not go on by itself.
            assert!(play.stops().headline.contains("rolled back"));
            if at >= off {
                assert_eq!(play.state_of(staged.step("disable-v2")), StepState::Done);
                assert!(rolled.left.iter().any(|l| l.contains("V2 is off")), "{rolled:#?}");
            }
        }
    }
}

/// The verified canary wave of a run.
fn after_canaries() -> Play {
    let mut play = documented().play();
    play.options.wave = Some("Canary".to_owned());
    match play.go() {
        Ok(Ending::Wave { next: Some(next), .. }) => assert_eq!(next, "Wave 1"),
        other => panic!("{other:?}"),
    }
    play
}

#[test]
fn a_wave_and_then_again() {
    let mut play = after_canaries();
    play.options.wave = None;
    let verify: Vec<&Step> = play.stage.plan.steps.iter().filter(|s| s.kind == "verify-wave").collect();
    play.go_until_done(verify[1]);
    let (one, three) = (play.stage.guid("Extra 1"), play.stage.guid("Extra 3"));
    // The canary got its missing member; the wave after it changed nothing.
    assert!(play.members(three).contains(&user_dn(8)));
    let before = play.twin.dump();
    let rolled = play.rolled(&Target::Wave("Canary".to_owned()));
    clean(&rolled);
    assert!(!play.members(three).contains(&user_dn(8)), "what the job brought goes again: {rolled:#?}");
    assert!(play.stamp(one).is_some() && play.stamp(three).is_some(), "stamps stay");
    assert_ne!(before, play.twin.dump());
    let assigned = |p: &Play, name: &str| {
        p.twin.dump().lines().any(|l| l.starts_with("job ") && l.contains(&p.stage.id(name).to_string()))
    };
    assert!(!assigned(&play, "Extra 3") && assigned(&play, "Extra 1"));
    // The run goes on: the wave comes again, the others stay.
    play.finish();
    assert!(play.members(three).contains(&user_dn(8)) && assigned(&play, "Extra 3"));
    play.intact();
}

#[test]
fn one_group_stays_out_until_somebody_says_so() {
    let mut play = after_canaries();
    let three = play.stage.guid("Extra 3");
    let rolled = play.rolled(&Target::Group(play.stage.id("Extra 3").to_string()));
    clean(&rolled);
    assert!(!play.members(three).contains(&user_dn(8)));
    assert!(play.members(play.stage.guid("Group_3a5c3221")).contains(&user_dn(1)));
    play.options.wave = None;
    play.finish();
    let scope = play.twin.dump().lines().find(|l| l.starts_with("job ")).unwrap().to_owned();
    assert!(!scope.contains(&play.stage.id("Extra 3").to_string()), "{scope}");
    assert!(scope.contains(&play.stage.id("Extra 5").to_string()), "{scope}");
    assert!(!play.members(three).contains(&user_dn(8)), "nobody maintains it");
}

#[test]
fn what_others_changed_since_is_a_conflict() {
    let play = after_canaries();
    let staged = play.stage;
    let (three, sales) = (staged.guid("Extra 3"), staged.guid("Group_3a5c3221"));
    for edit in [
        Edit::AddMember { group: three, member: user_dn(7) },
        Edit::RemoveMember { group: three, member: user_dn(3) },
        Edit::Attribute { group: three, name: "description".to_owned(), value: Some("by hand".to_owned()) },
        Edit::Rename { group: sales, cn: "Sales by hand".to_owned() },
        Edit::Stamp { group: sales, value: Some("Group_00000000-0000-4000-8000-000000000009".to_owned()) },
    ] {
        play.twin.foreign(&edit).unwrap();
    }
    let rolled = play.rolled(&Target::All);
    for part in ["User 7", "User 3", "description", "Sales by hand"] {
        assert!(rolled.conflicts.iter().any(|c| c.contains(part)), "{part}: {rolled:#?}");
    }
    assert!(rolled.stuck.is_empty());
    // Theirs stands; ours is gone all the same.
    let members = play.members(three);
    assert!(members.contains(&user_dn(7)) && !members.contains(&user_dn(3)) && !members.contains(&user_dn(8)));
    assert_eq!(play.dn(sales).unwrap(), crate::support::group_dn("Sales by hand"));
    assert!(!rolled.different.is_empty(), "the proof shows what is not back");
    play.intact();
}

#[test]
fn a_leaver_gets_nothing_back() {
    let staged = documented();
    let mut play = staged.play_of(|t| t.behaving(Behaviour::default()));
    let start = staged.step("start-job");
    play.go_until(start, StepState::Begun);
    // Before the cycle, while the wave runs: user 3 leaves the Entra group, and the job follows.
    play.twin
        .foreign(&Edit::Leave { group: staged.id("Extra 3"), member: ObjectGuid::parse(&user_id(3)).unwrap() })
        .unwrap();
    play.go_until_done(staged.step("verify-wave"));
    let three = staged.guid("Extra 3");
    assert!(!play.members(three).contains(&user_dn(3)));
    let rolled = play.rolled(&Target::Wave("Canary".to_owned()));
    assert!(!play.members(three).contains(&user_dn(3)), "{rolled:#?}");
    assert!(rolled.left.iter().any(|l| l.contains("User 3")), "{rolled:#?}");
}

#[test]
fn an_undo_that_fails_is_stuck_and_says_what_to_do() {
    let staged = documented();
    let play = after_canaries();
    play.twin.switch(|s| s.rights.member = false);
    let rolled = play.rolled(&Target::Wave("Canary".to_owned()));
    assert!(rolled.stuck.iter().any(|s| s.contains("grant the right")), "{rolled:#?}");
    assert!(rolled.left.iter().any(|l| l.contains("stay in the job's scope")), "{rolled:#?}");
    let hold = staged.plan.steps.iter().find(|s| s.wave.as_deref() == Some("Canary")).unwrap();
    assert_eq!(play.state_of(hold), StepState::Stuck);
    let stop = play.stops();
    assert!(stop.headline.contains("stuck"), "{stop:#?}");
    // Granted, the same rollback goes through.
    play.twin.switch(|s| s.rights.member = true);
    clean(&play.rolled(&Target::Wave("Canary".to_owned())));
    assert!(!play.members(staged.guid("Extra 3")).contains(&user_dn(8)));
}

#[test]
fn a_deleted_group_comes_back_with_its_sid_members_and_memberships() {
    let play = after_canaries();
    let staged = play.stage;
    let three = staged.guid("Extra 3");
    let sid = |p: &Play| {
        let now = p.twin.present();
        let g = now.ad.groups.iter().find(|g| now.ad_object(g).guid == three).unwrap();
        now.sids.get(now.ad_object(g).sid).map(|s| s.to_string())
    };
    let (was, members) = (sid(&play), play.members(three));
    play.twin.foreign(&Edit::DeleteGroup { group: three }).unwrap();
    let rolled = play.rolled(&Target::Wave("Canary".to_owned()));
    assert!(rolled.stuck.is_empty(), "{rolled:#?}");
    assert_eq!(sid(&play), was);
    let mut wanted = members;
    wanted.retain(|m| *m != user_dn(8));
    assert_eq!(play.members(three), wanted);
    assert_eq!(play.dn(three).unwrap(), crate::support::group_dn("Extra 3"));
    assert_eq!(play.stamp(three), Some(format!("Group_{}", staged.id("Extra 3"))));
}

#[test]
fn no_leaving_of_staging_while_a_delete_is_pending() {
    // V2 is on, and the rules are gone again: Connect may write members, and must not delete.
    let staged = documented();
    let mut play = staged.play();
    play.go_until_done(staged.step("full-sync"));
    let rolled = play.rolled(&Target::All);
    clean(&rolled);
    assert!(play.said("pending") || play.writes().len() > 1);
    let dump = play.twin.dump();
    assert!(dump.contains("server CONNECT1 staging false"), "{dump}");
}
