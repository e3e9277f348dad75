//! Waves over whole bundles: pins, patterns, containers, circles, the schedule.

use crate::support::{G, World, group_id};
use crate::{With, made, names, nested};
use groupshift::plan::Order;

fn with(waves: &str) -> With<'_> {
    With { waves: Some(waves), ..With::default() }
}

#[test]
fn nested_groups_move_first_and_the_canary_is_small() {
    let world = nested(4, &[(1, 2), (2, 3)]);
    let plan = made(&world, with("[canary]\nsize = 2\n[waves]\nsize = 2\n"));
    let waves = names(&plan);
    assert_eq!(waves[0].0, "Canary");
    assert_eq!(waves.iter().map(|(_, g)| g.len()).collect::<Vec<_>>(), [2, 2, 1], "{waves:?}");
    let place = |name: &str| {
        waves.iter().enumerate().find_map(|(w, (_, g))| g.iter().position(|x| x == name).map(|p| (w, p))).unwrap()
    };
    assert!(place("Extra 3") < place("Extra 2") && place("Extra 2") < place("Extra 1"), "{waves:?}");
    let parent = plan.waves.iter().flat_map(|w| &w.groups).find(|g| g.dn.starts_with("CN=Extra 1,")).unwrap();
    assert_eq!(parent.nests, [group_id(2)]);
}

#[test]
fn a_circle_is_one_unit() {
    let world = nested(3, &[(1, 2), (2, 3), (3, 1)]);
    let plan = made(&world, with("[canary]\nsize = 1\n[waves]\nsize = 2\n"));
    let wave = plan.waves.iter().find(|w| w.groups.len() == 3).expect("the circle is one wave");
    assert!(wave.oversize);
    assert!(wave.groups.iter().all(|g| g.unit == Some(1)));
}

#[test]
fn names_patterns_and_containers() {
    let world = nested(5, &[]);
    let policy = format!(
        "[canary]\nsize = 1\ngroups = [\"{G}\"]\n\
         [[wave]]\nname = \"Pilot\"\ngroups = [\"{}\"]\n\
         [[wave]]\nname = \"Pattern\"\npatterns = [\"[45]$\"]\nsize = 1\n\
         [exclude]\ngroups = [\"CN=Extra 1,OU=GroupWriteback,DC=contoso,DC=com\"]\n",
        group_id(3)
    );
    let plan = made(&world, with(&policy));
    let want = [
        ("Canary", vec!["Group_3a5c3221"]),
        ("Pilot", vec!["Extra 3"]),
        ("Pattern", vec!["Extra 4"]),
        ("Pattern, part 2", vec!["Extra 5"]),
        ("Wave 1", vec!["Extra 2"]),
    ];
    let want: Vec<(String, Vec<String>)> =
        want.into_iter().map(|(w, g)| (w.to_owned(), g.into_iter().map(str::to_owned).collect())).collect();
    assert_eq!(names(&plan), want);
    let left = plan.outside.iter().find(|o| o.dn.as_deref().is_some_and(|d| d.starts_with("CN=Extra 1,"))).unwrap();
    assert!(left.reasons[0].rule == "policy" && left.effect == "frozen", "{left:?}");
    assert_eq!(plan.summary.undecided, 1);
}

#[test]
fn included_groups_bring_what_they_nest() {
    let world = nested(4, &[(1, 2)]);
    let plan = made(&world, with(&format!("[include]\ngroups = [\"{}\"]\n", group_id(1))));
    assert_eq!(names(&plan), [("Canary".to_owned(), vec!["Extra 2".to_owned(), "Extra 1".to_owned()])]);
}

#[test]
fn what_nests_an_outsider_stays_as_well() {
    let world = nested(3, &[(1, 2), (2, 3)]);
    let plan = made(&world, with(&format!("[exclude]\ngroups = [\"{}\"]\n", group_id(3))));
    assert_eq!(names(&plan).iter().flat_map(|(_, g)| g.clone()).collect::<Vec<_>>(), ["Group_3a5c3221"]);
    let nesting = plan.outside.iter().filter(|o| o.reasons.iter().any(|r| r.rule == "nesting")).count();
    assert_eq!(nesting, 2);
    // Somebody may accept that.
    let decisions = format!(
        "[[decision]]\nrule = \"C24\"\ngroup = \"{}\"\nreason = \"the nested group is retired\"\nby = \"A. Admin\"\n",
        group_id(2)
    );
    let policy = format!("[exclude]\ngroups = [\"{}\"]\n", group_id(3));
    let plan = made(&world, With { decisions: Some(&decisions), ..with(&policy) });
    assert_eq!(plan.summary.planned, 3);
    assert_eq!(plan.decisions[0].by, "A. Admin");
}

#[test]
fn a_calendar() {
    let world = nested(3, &[]);
    let policy =
        "[canary]\nsize = 1\n[waves]\nsize = 2\n[schedule]\nstart = \"2026-11-24T21:00:00+01:00\"\ndays_between = 2\n";
    let plan = made(&world, with(policy));
    let at: Vec<_> = plan.waves.iter().map(|w| (w.at.clone().unwrap(), w.days_frozen)).collect();
    assert_eq!(
        at,
        [
            ("2026-11-24T20:00:00Z".to_owned(), Some(0)),
            ("2026-11-26T20:00:00Z".to_owned(), Some(2)),
            ("2026-11-28T20:00:00Z".to_owned(), Some(4))
        ]
    );
    let plan = made(&world, With { order: Order::CanaryFirst, ..with(policy) });
    let frozen: Vec<_> = plan.waves.iter().map(|w| w.days_frozen).collect();
    assert_eq!(frozen, [None, Some(2), Some(4)]);
    assert_eq!(plan.steps.iter().find(|s| s.point_of_no_return).unwrap().at.as_deref(), Some("2026-11-26T20:00:00Z"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let world = nested(6, &[(1, 2), (3, 4), (4, 3)]);
    let bytes = || groupshift::plan::canonical(&made(&world, with("[waves]\nsize = 2\norder = \"ou\"\n"))).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn deep_nesting() {
    const DEEP: u32 = 3_000;
    let edges: Vec<(u32, u32)> = (1..DEEP).map(|i| (i, i + 1)).collect();
    let mut world = World::base();
    for i in 1..=DEEP {
        world.add_pair(i);
    }
    let by_id: std::collections::HashMap<String, usize> = world
        .groups
        .as_ref()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(i, g)| (g["id"].as_str().unwrap().to_owned(), i))
        .collect();
    for (parent, child) in &edges {
        let list = world.groups.as_mut().unwrap()[by_id[&group_id(*parent)]]["members"].as_array_mut().unwrap();
        list.push(crate::support::member("group", &group_id(*child)));
    }
    // AD has none of these members yet, which C27 wants decided group by group.
    let ids: Vec<String> = (1..DEEP).map(|i| format!("\"{}\"", group_id(i))).collect();
    let decisions = format!(
        "[[decision]]\nrule = \"*\"\ngroups = [{}]\nreason = \"the nesting is new\"\nby = \"A. Admin\"\n",
        ids.join(",")
    );
    let plan = made(&world, With { decisions: Some(&decisions), ..with("[waves]\nsize = 10000\n") });
    assert_eq!(plan.summary.planned, u64::from(DEEP) + 1);
    let all: Vec<&str> = plan.waves.iter().flat_map(|w| &w.groups).map(|g| g.object_id.as_str()).collect();
    let place = |i: u32| all.iter().position(|id| *id == group_id(i)).unwrap();
    assert!((1..DEEP).step_by(97).all(|i| place(i + 1) < place(i)));
}
