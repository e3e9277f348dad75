//! An audit made up for the tests of reports: as many groups as wanted, the registry's checks, failures of groups and of
//! a server, some hostile names; rendered one at a time as the program's own view does.

use groupshift::audit::model::{
    AUDIT_SCHEMA, Against, AgainstKind, CheckCounts, CheckHead, Failure, GroupLine, Header, SeverityCounts, Summary,
    View,
};
use groupshift::report::audit::compare::Comparison;
use groupshift::report::audit::document::Point;
use groupshift::report::audit::{FILE_NAMES, Report, write};
use groupshift::report::folder::Folder;
use groupshift::report::model::{BundleRef, GateStatus, Problem};
use serde_json::json;
use std::path::Path;

/// Names that try to break out, to run, to turn round or to hide.
pub const HOSTILE: [&str; 5] = [
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>|`a`",
    "\u{202e}txt.exe\u{2066} invoice",
    "=cmd|' /C calc'!A0",
    "line\r\nbreak\ttab \u{0}nul \u{200b}zero ]]> \u{ffff}",
];

pub struct Made {
    pub header: Header,
    heads: Vec<CheckHead>,
    groups: usize,
    /// Failing groups of A03 and A06, and open ones of A08.
    moved: Vec<usize>,
    lost: Vec<usize>,
    open: Vec<usize>,
}

impl Made {
    /// Every third group lost members, every fifth moved, every seventh has an access list that nobody could read.
    pub fn new(groups: usize) -> Self {
        let every = |n: usize| (0..groups).filter(|i| i.is_multiple_of(n)).collect();
        Self::with(groups, every(5), every(3), every(7))
    }

    pub fn with(groups: usize, moved: Vec<usize>, lost: Vec<usize>, open: Vec<usize>) -> Self {
        let heads: Vec<CheckHead> = groupshift::audit::checks()
            .iter()
            .map(|c| {
                let (failed, unknown) = match c.id {
                    "A03" => (moved.len(), 0),
                    "A06" => (lost.len(), 0),
                    "A08" => (0, open.len()),
                    "A14" => (1, 0),
                    _ => (0, 0),
                };
                let status = match (c.id, failed, unknown) {
                    (_, 1.., _) => GateStatus::Fail,
                    (_, _, 1..) | ("A09", ..) => GateStatus::Unknown,
                    ("A22", ..) => GateStatus::NotApplicable,
                    _ => GateStatus::Pass,
                };
                CheckHead {
                    id: c.id.to_owned(),
                    title: c.title.to_owned(),
                    status,
                    severity: c.severity,
                    blocks: Vec::new(),
                    message: format!("{failed} of {groups} are not as they should be <b>"),
                    remediation: if status == GateStatus::Pass { String::new() } else { c.remedy.to_owned() },
                    evidence: json!({ "looked at": groups, "list": ["a", "b"] }),
                    sources: c.sources.iter().map(|s| (*s).to_owned()).collect(),
                    failed: failed as u64,
                    unknown: unknown as u64,
                }
            })
            .collect();
        let count = |status| heads.iter().filter(|h| h.status == status).count() as u64;
        let mut failures = SeverityCounts::default();
        heads.iter().for_each(|h| failures.add(h.severity, h.failed));
        let failing = (0..groups).filter(|i| moved.contains(i) || lost.contains(i)).count() as u64;
        let header = Header {
            schema: AUDIT_SCHEMA.to_owned(),
            bundle: BundleRef {
                created: "2026-11-21T08:00:00Z".to_owned(),
                sha256: "ab".repeat(32),
                complete: true,
                anonymised: false,
                domain: Some("contoso.com".to_owned()),
                tenant: Some("Contoso <&> \"Ltd\"".to_owned()),
                writeback_container: Some("OU=GroupWriteback,DC=contoso,DC=com".to_owned()),
                writeback_container_from: None,
            },
            against: Against {
                kind: AgainstKind::Plan,
                name: Some("plan.json".to_owned()),
                sha256: Some("cd".repeat(32)),
                taken: Some("2026-11-19T08:00:00Z".to_owned()),
                groups: groups as u64,
            },
            summary: Summary {
                groups: groups as u64,
                memberships: groups as u64 * 9,
                groups_failing: failing,
                groups_unknown: (0..groups)
                    .filter(|i| open.contains(i) && !moved.contains(i) && !lost.contains(i))
                    .count() as u64,
                checks: CheckCounts {
                    pass: count(GateStatus::Pass),
                    fail: count(GateStatus::Fail),
                    unknown: count(GateStatus::Unknown),
                    not_applicable: count(GateStatus::NotApplicable),
                },
                failures,
                worst: heads.iter().filter(|h| h.status == GateStatus::Fail).map(|h| h.severity).max(),
            },
            limits: vec!["Global Catalog: not <searched>".to_owned()],
            problems: vec![Problem { kind: "odd".into(), object: HOSTILE[0].into(), detail: HOSTILE[1].into() }],
        };
        Made { header, heads, groups, moved, lost, open }
    }

    pub fn position(&self, id: &str) -> usize {
        self.heads.iter().position(|h| h.id == id).unwrap()
    }

    fn of(&self, group: usize, what: &str) -> Failure {
        let line = self.line(group);
        Failure {
            key: format!("{}|{what}", line.object_id.as_deref().unwrap_or("?")),
            object_id: line.object_id,
            object_guid: line.object_guid,
            sid: line.sid,
            dn: line.dn,
            display_name: line.display_name,
            ..Failure::default()
        }
    }

    fn line(&self, i: usize) -> GroupLine {
        let hostile = HOSTILE.get(i).copied();
        let name = hostile.map_or_else(|| format!("Group {i:06}"), str::to_owned);
        GroupLine {
            object_id: Some(format!("00000000-0000-4000-8000-{i:012x}")),
            object_guid: Some(format!("11111111-0000-4000-8000-{i:012x}")),
            sid: Some(format!("S-1-5-21-1-2-3-{}", 1000 + i)),
            dn: Some(format!("CN={},OU=GroupWriteback,DC=contoso,DC=com", name.replace(',', "\\,"))),
            display_name: Some(name),
            members: (i % 40) as u64,
            in_scope: [Some(true), Some(false), None][i % 3],
            wave: i.is_multiple_of(2).then(|| "Pilot".to_owned()),
            failed: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

impl View for Made {
    fn header(&self) -> &Header {
        &self.header
    }
    fn checks(&self) -> usize {
        self.heads.len()
    }
    fn check(&self, check: usize) -> &CheckHead {
        &self.heads[check]
    }
    fn failure(&self, check: usize, index: usize) -> Failure {
        match self.heads[check].id.as_str() {
            "A03" => Failure {
                attribute: Some("distinguishedName".to_owned()),
                expected: Some("=CN=a,OU=x".to_owned()),
                actual: Some(HOSTILE[index % HOSTILE.len()].to_owned()),
                message: format!("moved to {}", HOSTILE[index % HOSTILE.len()]),
                evidence: json!({}),
                ..self.of(self.moved[index], "dn")
            },
            "A06" => Failure {
                attribute: Some("member".to_owned()),
                expected: Some("3 members".to_owned()),
                actual: Some("1 member".to_owned()),
                message: "2 members are missing".to_owned(),
                evidence: json!({ "missing": (0..30).map(|n| format!("CN=User {n}</script>,DC=contoso,DC=com")).collect::<Vec<_>>(), "extra": [] }),
                ..self.of(self.lost[index], "members")
            },
            _ => Failure {
                key: "SYNC01|rule".to_owned(),
                subject: Some("SYNC01".to_owned()),
                message: "the outbound rule is not there".to_owned(),
                evidence: json!({ "server": "SYNC01" }),
                ..Failure::default()
            },
        }
    }
    fn open(&self, check: usize, index: usize) -> Failure {
        assert_eq!(self.heads[check].id, "A08");
        Failure {
            message: "the access list is not in the bundle".to_owned(),
            evidence: json!({}),
            ..self.of(self.open[index], "")
        }
    }
    fn groups(&self) -> usize {
        self.groups
    }
    fn group(&self, index: usize) -> GroupLine {
        let mut line = self.line(index);
        line.failed.extend(self.moved.binary_search(&index).is_ok().then_some("A03"));
        line.failed.extend(self.lost.binary_search(&index).is_ok().then_some("A06"));
        line.unknown.extend(self.open.binary_search(&index).is_ok().then_some("A08"));
        line
    }
    fn group_state(&self, index: usize) -> (bool, bool) {
        let line = self.group(index);
        (!line.failed.is_empty(), !line.unknown.is_empty())
    }
}

/// Writes every report of it into the folder.
pub fn reports(view: &dyn View, baseline: Option<&Comparison>, trend: &[Point], dir: &Path) {
    some(view, baseline, trend, dir, &FILE_NAMES);
}

/// Writes some of them.
pub fn some(view: &dyn View, baseline: Option<&Comparison>, trend: &[Point], dir: &Path, names: &[&'static str]) {
    let registry = groupshift::cli::check_texts();
    let folder = Folder::prepare(dir, names, false).unwrap();
    write(&Report { view, registry: &registry, baseline, trend }, &folder, names).unwrap();
}
