//! A bundle is whole or absent; one that was changed is named and refused.

use crate::support::World;
use crate::support::cli::{Desk, names};
use groupshift::bundle::files;

#[test]
fn any_damage_is_named() {
    let desk = Desk::collected(&World::base());
    desk.run(&["bundle", "verify", "bundle"]).ok().prints(&["whole", "SHA-256"]);
    assert_eq!(names(&desk.path("bundle")).len(), files::DATA.len() + 1);
    for name in files::DATA {
        let path = desk.path("bundle").join(name);
        let bytes = std::fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        for (what, damage) in
            [("changed", Some(changed)), ("cut", Some(bytes[..bytes.len() - 1].to_vec())), ("missing", None)]
        {
            match damage {
                Some(damage) => std::fs::write(&path, damage).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            for args in [
                &["bundle", "verify", "bundle"][..],
                &["bundle", "info", "bundle"],
                &["assess", "bundle", "--out", "out"],
            ] {
                let ran = desk.run(args);
                assert!(ran.code == 1 && ran.err.contains(name), "{name} {what} {args:?}: {}", ran.err);
                assert!(ran.out.is_empty() && !desk.path("out").exists(), "{name} {what}: {}", ran.out);
            }
            std::fs::write(&path, &bytes).unwrap();
        }
    }
    desk.run(&["bundle", "verify", "bundle"]).ok();
}

#[test]
fn the_manifest_too() {
    let desk = Desk::collected(&World::base());
    let path = desk.path("bundle/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for (what, changed, says) in [
        ("cut", text[..text.len() / 2].to_owned(), "manifest.json"),
        ("empty", String::new(), "manifest.json"),
        ("another schema", text.replace("groupshift/bundle/v1", "groupshift/bundle/v9"), "bundle/v9"),
        ("a file taken out of the list", text.replace("problems.jsonl.zst", "other.jsonl.zst"), "manifest"),
    ] {
        std::fs::write(&path, changed).unwrap();
        let ran = desk.run(&["bundle", "verify", "bundle"]);
        assert!(ran.code == 1 && ran.err.contains(says), "{what}: {}", ran.err);
    }
    std::fs::remove_file(&path).unwrap();
    desk.run(&["bundle", "verify", "bundle"]).code(1).says(&["no bundle"]);
    desk.run(&["bundle", "verify", "nowhere"]).code(1).says(&["nowhere", "no bundle here: the folder does not exist"]);
}

#[test]
fn nothing_is_written_over() {
    let desk = Desk::collected(&World::base());
    let before = std::fs::read(desk.path("bundle/manifest.json")).unwrap();
    desk.collect().code(2).says(&["bundle", "never written over"]);
    assert_eq!(std::fs::read(desk.path("bundle/manifest.json")).unwrap(), before);
    std::fs::write(desk.path("file"), "x").unwrap();
    desk.run(&["collect", "--offline", "export", "--out", "file"]).code(2);
    // An empty folder is accepted.
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run(&["collect", "--offline", "export", "--out", "empty"]).ok();
    assert_eq!(desk.names(), ["bundle", "empty", "export", "file"], "nothing is left lying about");
    // A folder that has no name here cannot be renamed into place: said before anything is read.
    for out in [".", "empty/..", "/"] {
        desk.run(&["collect", "--offline", "nowhere", "--out", out]).code(2).says(&["the folder's own name", "--out"]);
    }
}

#[test]
fn reports_are_not_written_over() {
    let desk = Desk::collected(&World::base());
    std::fs::create_dir(desk.path("out")).unwrap();
    desk.assess(&[]).ok();
    desk.assess(&[]).code(2).says(&["--force"]);
    let files = ["assessment.csv", "assessment.html", "assessment.json", "assessment.md"];
    assert_eq!(names(&desk.path("out")), files);
    std::fs::write(desk.path("out/mine.txt"), "mine").unwrap();
    desk.assess(&["--force"]).ok();
    assert_eq!(desk.text("out/mine.txt"), "mine");
    std::fs::write(desk.path("out/assessment.md"), "mine too").unwrap();
    desk.assess(&["--force"]).code(2).says(&["assessment.md"]);
    assert_eq!(desk.text("out/assessment.md"), "mine too");
}

#[test]
fn the_same_bundle_gives_the_same_files() {
    let desk = Desk::collected(&World::base());
    desk.assess(&[]).ok();
    desk.run(&["assess", "bundle", "--out", "again"]).ok();
    for name in names(&desk.path("out")) {
        let of = |dir: &str| std::fs::read(desk.path(dir).join(&name)).unwrap();
        assert_eq!(of("out"), of("again"), "{name}");
    }
}
