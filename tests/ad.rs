//! Against a real domain controller.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking and say what they skip"
)]

#[path = "lab/directory/mod.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod directory;
#[path = "lab/world.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod world;

use directory::{Template, start};

#[test]
fn the_lab_is_as_the_table_says() {
    let Some(controller) = start(Template::World) else { return };
    let world = world::World::v2();
    let given = world::given(&controller);
    for group in world.groups.iter().filter(|g| g.in_ad) {
        assert!(given.keys().any(|dn| groupshift::directory::same_dn(dn, &group.dn())), "{}", group.dn());
    }
    let found = controller.search(world::OU, "(adminDescription=Group_*)", &["adminDescription"]);
    let expected =
        world.groups.iter().filter(|g| g.in_ad && g.parent.ends_with(world::OU) && g.admin_description.is_none());
    assert_eq!(found.matches("\nadminDescription: ").count(), expected.count());
    let dir = tempfile::tempdir().unwrap();
    world::write_tenant(&world, &given, dir.path());
}
