//! This audit beside the last one.

use crate::made::{Made, reports};
use groupshift::audit::model::{CheckHead, Failure, GroupLine, Header, View};
use groupshift::report::audit::compare::{Comparison, Counts, Fate};
use groupshift::report::audit::document::Point;
use groupshift::report::model::{GateStatus, Severity};

#[test]
fn new_fixed_unchanged_gone() {
    // Last time groups 0, 5 and 30 had moved, and 3 and 4 had lost members; there were 40 groups, and now there are 20.
    let last = Made::with(40, vec![0, 5, 30], vec![3, 4], vec![]).document();
    let now = Made::with(20, vec![0, 7], vec![4], vec![]);
    let c = Comparison::of(&now, &last, "audit.json").unwrap();
    // The server's failure is in both.
    assert_eq!(c.counts, Counts { new: 1, unchanged: 3, fixed: 2, gone: 1, open: 0 });
    let of = |id: &str| c.checks.iter().find(|x| x.id == id).unwrap();
    assert_eq!(of("A03").counts, Counts { new: 1, unchanged: 1, fixed: 1, gone: 1, open: 0 });
    assert_eq!(of("A06").counts, Counts { new: 0, unchanged: 1, fixed: 1, gone: 0, open: 0 });
    assert_eq!(of("A03").before, Some(GateStatus::Fail));
    let news = c.news();
    let failure = |i| now.failure(now.position("A03"), i);
    assert!(!news.has("A03", &failure(0).key) && news.has("A03", &failure(1).key));
    let gone: Vec<_> = c.resolved.iter().filter(|r| r.fate == Fate::Gone).collect();
    assert!(gone.len() == 1 && gone[0].name.contains("000030"), "{gone:?}");
    assert!(c.has_new(&now, Severity::High) && !c.has_new(&now, Severity::Blocker));
    assert!(c.notes.iter().any(|n| n.contains("same state")), "{:?}", c.notes);
    // The other way round nothing is fixed twice.
    let back = Comparison::of(&Made::with(40, vec![0, 5, 30], vec![3, 4], vec![]), &now.document(), "x").unwrap();
    assert_eq!(back.counts, Counts { new: 3, unchanged: 3, fixed: 1, gone: 0, open: 0 });
}

/// The same, but one check could not be judged this time.
struct Unjudged(Made, &'static str, CheckHead);

impl Unjudged {
    fn new(made: Made, id: &'static str) -> Self {
        let head = made.check(made.position(id)).clone();
        Unjudged(made, id, CheckHead { status: GateStatus::Unknown, failed: 0, ..head })
    }
}

impl View for Unjudged {
    fn header(&self) -> &Header {
        self.0.header()
    }
    fn checks(&self) -> usize {
        self.0.checks()
    }
    fn check(&self, check: usize) -> &CheckHead {
        if check == self.0.position(self.1) { &self.2 } else { self.0.check(check) }
    }
    fn failure(&self, check: usize, index: usize) -> Failure {
        self.0.failure(check, index)
    }
    fn open(&self, check: usize, index: usize) -> Failure {
        self.0.open(check, index)
    }
    fn groups(&self) -> usize {
        self.0.groups()
    }
    fn group(&self, index: usize) -> GroupLine {
        self.0.group(index)
    }
    fn group_state(&self, index: usize) -> (bool, bool) {
        self.0.group_state(index)
    }
}

#[test]
fn what_could_not_be_judged_is_not_fixed() {
    let last = Made::with(20, vec![0, 5], vec![], vec![]).document();
    let now = Unjudged::new(Made::with(20, vec![], vec![], vec![]), "A03");
    let c = Comparison::of(&now, &last, "audit.json").unwrap();
    assert_eq!(c.counts, Counts { new: 0, unchanged: 1, fixed: 0, gone: 0, open: 2 });
    // A group that alone could not be judged, in a check that passes for the others.
    let last_open = Made::with(20, vec![], vec![], vec![]).document();
    let mut before = last_open.clone();
    let a08 = before.checks.iter_mut().find(|c| c.head.id == "A08").unwrap();
    let made = Made::with(20, vec![], vec![], vec![3]);
    let failure = made.open(made.position("A08"), 0);
    let other =
        Failure { key: "other".into(), ..Made::with(20, vec![], vec![], vec![4]).open(made.position("A08"), 0) };
    a08.failures = vec![failure, other];
    a08.head.status = GateStatus::Fail;
    a08.head.failed = 2;
    let mut judged = Unjudged::new(Made::with(20, vec![], vec![], vec![3]), "A08");
    judged.2.status = GateStatus::Pass;
    let c = Comparison::of(&judged, &before, "audit.json").unwrap();
    assert_eq!((c.counts.open, c.counts.fixed), (1, 1));
}

#[test]
fn another_place_is_said() {
    let now = Made::new(4);
    let mut last = Made::new(4).document();
    last.header.bundle.domain = Some("fabrikam.com".to_owned());
    last.header.bundle.created = "2026-12-24T08:00:00Z".to_owned();
    last.header.against.sha256 = None;
    let notes = Comparison::of(&now, &last, "x").unwrap().notes.join(" ");
    for part in ["another place", "held against", "later state"] {
        assert!(notes.contains(part), "{notes}");
    }
}

#[test]
fn reports_show_what_changed() {
    let last = Made::with(40, vec![0, 5, 30], vec![3, 4], vec![]).document();
    let now = Made::with(20, vec![0, 7], vec![4], vec![]);
    let c = Comparison::of(&now, &last, "audit.json").unwrap();
    let mut earlier = Point::of(&now);
    earlier.created = "2026-11-20T08:00:00Z".to_owned();
    earlier.bundle_sha256 = "00".repeat(32);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    reports(&now, Some(&c), &[earlier, Point::of(&now)], &out);
    let text = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let rows = text("audit.csv");
    assert_eq!(rows.matches(",new\r\n").count(), 1);
    assert_eq!(rows.matches(",unchanged\r\n").count(), 3);
    for (name, parts) in [
        ("audit.md", &["1 new, 2 fixed, 3 unchanged", "**new**", "## No longer failing", "fixed A03", "gone A03"][..]),
        ("audit.html", &["1 new, 2 fixed, 3 unchanged", "id=\"since\"", "id=\"trend\"", "2 audits from"][..]),
        ("audit.junit.xml", &["name=\"newFailures\" value=\"1\"", "new: "][..]),
    ] {
        for part in parts {
            assert!(text(name).contains(part), "{name}: {part}");
        }
    }
}
