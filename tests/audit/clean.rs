//! The clean world: every check passes, but for the one that no directory can answer.

use crate::made::{Clean, one, with};

#[test]
fn everything_passes() {
    let audit = Clean::new().audit();
    for check in audit.checks.iter().filter(|c| c.head.status.as_str() != "pass") {
        println!(
            "{} {}: {} {:#?} {:#?}",
            check.head.id,
            check.head.status.as_str(),
            check.head.message,
            check.failures,
            check.unknowns
        );
    }
    assert_eq!(with(&audit, "fail"), [""; 0]);
    // The file version and the registry of a controller are not in the directory.
    assert_eq!(with(&audit, "unknown"), ["A12"]);
    assert_eq!(with(&audit, "not-applicable"), [""; 0]);
    let summary = &audit.header.summary;
    assert_eq!((summary.groups, summary.memberships, summary.groups_failing, summary.worst), (3, 5, 0, None));
    assert_eq!(one(&audit, "A06").head.evidence["memberships"], 5);
    let access = &one(&audit, "A06").head.evidence["effectiveAccessSince"];
    assert_eq!((access["lost"].as_u64(), access["gained"].as_u64()), (Some(0), Some(0)));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bytes = || serde_json::to_vec(&Clean::new().audit()).unwrap();
    assert_eq!(bytes(), bytes());
}
