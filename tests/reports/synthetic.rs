//! A tenant made up for the report tests: the same for the same size, with names, findings and gates as real ones have,
//! a few hostile names, and groups rendered one at a time as the program's own view does.

use groupshift::report::html::{RuleText, SourceText};
use groupshift::report::model::*;
use serde_json::{Value, json};

pub const CONTAINER: &str = "OU=GroupWriteback,DC=contoso,DC=com";

/// Names that try to break out, to run, to turn round or to hide.
pub const HOSTILE: [&str; 6] = [
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "\u{202e}txt.exe\u{2066} invoice",
    "=cmd|' /C calc'!A0",
    "line\r\nbreak\ttab \u{0}nul \u{200b}zero-width \u{2028}separator \u{feff}mark",
    "{{headline}} {{{script}}} &lt;b&gt; <!--<script>",
];

pub struct Synthetic {
    pub header: Header,
    size: usize,
}

/// Ids, titles, verdict, usual severity, remedy of the rules that this tenant meets.
const RULES: [(&str, &str, Verdict, Severity, &str); 16] = [
    (
        "C01",
        "Security group ready to move",
        Verdict::Migrate,
        Severity::Info,
        "Nothing to do: the cutover stamps the group.",
    ),
    (
        "C02",
        "Microsoft 365 group written as distribution group",
        Verdict::Exclude,
        Severity::Info,
        "Stays with group writeback V1.",
    ),
    (
        "C03",
        "Microsoft 365 group written as security group",
        Verdict::Exclude,
        Severity::High,
        "Give the resources that it guards to a security group first.",
    ),
    ("C08", "AD group is not universal", Verdict::Fix, Severity::Blocker, "Convert the group to universal scope."),
    (
        "C11",
        "No such group in Entra",
        Verdict::Review,
        Severity::High,
        "Find out whose group this was; keep a snapshot, then let its owner decide.",
    ),
    (
        "C13",
        "Writeback is switched off but a copy exists",
        Verdict::Review,
        Severity::Medium,
        "Put the group into scope, or retire the frozen copy.",
    ),
    ("C14", "Stamp in AD", Verdict::Migrate, Severity::Info, "The cutover stamps the group."),
    ("C15", "Stamp shared by several objects", Verdict::Fix, Severity::Blocker, "Leave the stamp on one object only."),
    ("C20", "Members without an AD account", Verdict::Migrate, Severity::Info, "Cloud Sync skips them."),
    (
        "C21",
        "Members without onPremisesObjectIdentifier",
        Verdict::Fix,
        Severity::High,
        "Upgrade Connect, then run a full synchronization.",
    ),
    (
        "C23",
        "Members that are synchronized AD groups",
        Verdict::Fix,
        Severity::High,
        "Convert the nested group's source of authority, or flatten it.",
    ),
    (
        "C27",
        "AD members are not the members in Entra",
        Verdict::Review,
        Severity::High,
        "Settle each difference before the move: Cloud Sync will write the members that Entra has.",
    ),
    ("C28", "CN would be renamed", Verdict::Fix, Severity::High, "Map cn to the present names, or accept the rename."),
    (
        "C30",
        "The group would be moved to another container",
        Verdict::Fix,
        Severity::High,
        "Map parentDistinguishedName to the writeback container.",
    ),
    (
        "C35",
        "Source of authority is not known",
        Verdict::Exclude,
        Severity::Medium,
        "Read onPremisesSyncBehavior of the group.",
    ),
    ("C38", "Nested in other AD groups", Verdict::Migrate, Severity::Medium, "Keep a snapshot of the nesting."),
];

pub fn registry() -> Vec<RuleText<'static>> {
    let source = |key, title| SourceText {
        key,
        title,
        url: Some("https://learn.microsoft.com/entra/identity/hybrid/cloud-sync/migrate-group-writeback"),
    };
    let mut texts: Vec<RuleText<'static>> = RULES
        .iter()
        .map(|(id, title, _, _, remedy)| RuleText {
            id,
            title,
            why: "What the rule looks at decides whether the group is the same object, with the same name and members, after Cloud Sync has taken over.",
            remedy,
            sources: vec![source("MIG26", "Migrate group writeback to Cloud Sync")],
        })
        .collect();
    for (id, title) in [
        ("E1", "Group writeback V2 is on"),
        ("E2", "Provisioning agent version"),
        ("E6", "No rule deletes groups that leave the scope"),
    ] {
        texts.push(RuleText {
            id,
            title,
            why: "The order of the migration rests on it.",
            remedy: "",
            sources: Vec::new(),
        });
    }
    texts
}

fn gate(
    id: &str,
    title: &str,
    status: GateStatus,
    severity: Severity,
    message: &str,
    remedy: &str,
    evidence: Value,
) -> Gate {
    Gate {
        id: id.into(),
        title: title.into(),
        status,
        severity,
        blocks: vec!["plan".into(), "cutover run".into()],
        message: message.into(),
        remediation: remedy.into(),
        evidence,
        attested: None,
        sources: vec!["MIG26".into(), "DEP26".into()],
    }
}

fn gates() -> Vec<Gate> {
    use GateStatus::*;
    use Severity::*;
    let mut gates = vec![
        gate(
            "E1",
            "Group writeback V2 is on",
            Pass,
            High,
            "GroupWritebackV2 is on for the tenant.",
            "",
            json!({ "GroupWritebackV2": true }),
        ),
        gate(
            "E2",
            "Provisioning agent version",
            Fail,
            Blocker,
            "Agent DC-SYNC02 runs 1.1.1370.0; group provisioning to AD needs 1.1.2334.0 or later.",
            "Upgrade the agent on DC-SYNC02, then collect again.",
            json!({ "agents": [{ "machine": "DC-SYNC01", "version": "1.1.2505.0" }, { "machine": "DC-SYNC02", "version": "1.1.1370.0" }], "needed": "1.1.2334.0" }),
        ),
        gate(
            "E3",
            "Entra Connect version",
            Pass,
            High,
            "CONNECT01 runs 2.6.91.0.",
            "",
            json!({ "servers": { "CONNECT01": "2.6.91.0" } }),
        ),
        gate(
            "E4",
            "Schema has msDS-ExternalDirectoryObjectId",
            Pass,
            Blocker,
            "The attribute is in the schema and in the catalog.",
            "",
            json!({ "isMemberOfPartialAttributeSet": true }),
        ),
        gate(
            "E6",
            "No rule deletes groups that leave the scope",
            Unknown,
            Blocker,
            "The input holds no synchronization rules of CONNECT02.",
            "Run Get-ADSyncServerConfiguration on CONNECT02 and put its export beside that of CONNECT01.",
            json!({ "servers": ["CONNECT01"], "missing": ["CONNECT02"], "rule": null }),
        ),
        gate(
            "E9",
            "One active Connect server",
            Pass,
            High,
            "CONNECT01 is active, CONNECT02 is in staging.",
            "",
            json!({ "active": ["CONNECT01"], "staging": ["CONNECT02"] }),
        ),
        gate(
            "E10",
            "Rule precedences are free",
            Pass,
            Medium,
            "88 and 89 are free.",
            "",
            json!({ "free": (1..90).collect::<Vec<_>>() }),
        ),
        gate(
            "E11",
            "No other configuration writes to the domain",
            NotApplicable,
            Medium,
            "No Cloud Sync job exists yet.",
            "",
            Value::Null,
        ),
        gate(
            "E13",
            "AD Recycle Bin",
            Fail,
            Medium,
            "The Recycle Bin is not enabled in the forest.",
            "Enable the AD Recycle Bin; it cannot be turned off again.",
            json!({ "enabledScopes": [] }),
        ),
        gate(
            "C19",
            "Size of the configuration",
            Pass,
            High,
            "92 groups and 4,120 links are within the limits of both modes.",
            "",
            json!({ "selected": { "groups": 10000, "links": 250000 } }),
        ),
    ];
    let mut attested = gate(
        "E14",
        "Members are provisioned to on-premises users",
        Pass,
        High,
        "The option cannot be read from here.",
        "",
        Value::Null,
    );
    attested.attested =
        Some(Attestation { reason: "Seen in the portal on the change call".into(), by: "contoso\\mlind".into() });
    gates.push(attested);
    gates
}

/// A number that looks like chance and is not.
fn mix(index: usize, salt: u64) -> u64 {
    let mut x = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    x = (x ^ (x >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
    x ^ (x >> 33)
}

/// Ids rise with the index, so that groups stand in the order of their DN.
fn guid(index: usize, size: usize, salt: u64) -> String {
    let (a, b) = (mix(index, salt), mix(index, salt + 1));
    let high = if salt == 1 { (index as u64) * (u64::from(u32::MAX) / size.max(1) as u64) } else { a >> 32 };
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high as u32,
        a as u16,
        (a >> 16) as u16 & 0xfff,
        (b >> 48) as u16 & 0xfff,
        b & 0xffff_ffff_ffff
    )
}

fn name(index: usize) -> String {
    if (3..3 + HOSTILE.len()).contains(&index) {
        return HOSTILE[index - 3].to_owned();
    }
    let pick = |list: &[&'static str], salt| list[(mix(index, salt) % list.len() as u64) as usize];
    let region =
        pick(&["Berlin", "Oslo", "Zürich", "München", "Québec", "Austin", "大阪", "Kraków", "EMEA", "APAC"], 11);
    let unit = pick(
        &["Finance", "HR", "Sales", "Payroll", "Legal", "Engineering", "Facilities", "Research", "Procurement"],
        12,
    );
    let role = pick(
        &["Readers", "Editors", "Owners", "Approvers", "VPN Users", "Printer Operators", "File Share RW", "App Admins"],
        13,
    );
    format!("{region} {unit} {role} {}", index % 977)
}

fn user(index: usize, k: usize) -> String {
    let n = mix(index * 31 + k, 21) % 90_000;
    format!("CN=User {n:05},OU=Staff,OU=Berlin,DC=contoso,DC=com")
}

fn finding(id: &str, status: FindingStatus, message: String, evidence: Value) -> Finding {
    let (_, _, _, severity, remedy) = *RULES.iter().find(|rule| rule.0 == id).expect("a known rule");
    Finding { rule: id.into(), status, severity, message, remediation: remedy.into(), evidence }
}

impl Synthetic {
    pub fn new(size: usize) -> Self {
        let mut summary = Summary { groups: size as u64, ..Summary::default() };
        let mut counts = [[0u64; 2]; RULES.len()];
        for index in 0..size {
            let group = make(index, size);
            match group.verdict {
                Verdict::Migrate => summary.migrate += 1,
                Verdict::Fix => summary.fix += 1,
                Verdict::Review => summary.review += 1,
                Verdict::Exclude => summary.exclude += 1,
            }
            summary.memberships += group.members;
            summary.unknown += u64::from(group.findings.iter().any(|finding| finding.status == FindingStatus::Unknown));
            for finding in &group.findings {
                let rule = RULES.iter().position(|rule| rule.0 == finding.rule).expect("a known rule");
                counts[rule][usize::from(finding.status == FindingStatus::Unknown)] += 1;
            }
        }
        summary.rules = RULES
            .iter()
            .zip(counts)
            .map(|((id, title, verdict, severity, _), [found, unknown])| RuleCount {
                rule: (*id).into(),
                title: (*title).into(),
                severity: *severity,
                verdict: *verdict,
                found,
                attention: if *severity > Severity::Info { found } else { 0 },
                unknown,
            })
            .collect();
        let bundle = BundleRef {
            created: "2026-11-20T14:03:11Z".into(),
            sha256: "5f2b0c8be21d7b4b8d3f4f6ac2a1e35f4f86ad3f9a87be21e6aa0f2c7d9b1e44".into(),
            complete: true,
            anonymised: false,
            domain: Some("contoso.com".into()),
            tenant: Some("Contoso Ltd".into()),
            writeback_container: Some(CONTAINER.into()),
            writeback_container_from: Some("parent of most anchored groups".into()),
        };
        let problems = vec![Problem {
            kind: "member-not-exported".into(),
            object: user(7, 7),
            detail: "groups.ldf line 8123: this member stands in no exported file.".into(),
        }];
        let schema = ASSESSMENT_SCHEMA.to_owned();
        Synthetic { header: Header { schema, bundle, summary, gates: gates(), limits: Vec::new(), problems }, size }
    }
}

impl View for Synthetic {
    fn header(&self) -> &Header {
        &self.header
    }
    fn len(&self) -> usize {
        self.size
    }
    fn group(&self, index: usize) -> Group {
        make(index, self.size)
    }
    fn verdict(&self, index: usize) -> Verdict {
        make(index, self.size).verdict
    }
}

fn make(index: usize, size: usize) -> Group {
    use FindingStatus::{Found, Unknown};
    let id = guid(index, size, 1);
    let anchor = format!("Group_{id}");
    let display = name(index);
    let gone = index + 1 >= size && size > 50; // the last group stands in Entra only
    let dn = (!gone).then(|| format!("CN={anchor},{CONTAINER}"));
    let roll = mix(index, 5) % 100;
    let members = if roll < 2 { 4_000 + mix(index, 6) % 40_000 } else { mix(index, 6) % 180 };
    let mut findings = Vec::new();
    match roll {
        0..=55 => findings.push(finding(
            "C01",
            Found,
            "A cloud security group with a universal security group in AD.".into(),
            json!({ "adminDescription": anchor, "groupType": -2147483640i64 }),
        )),
        56..=62 => findings.push(finding(
            "C02",
            Found,
            "A Microsoft 365 group, written to AD as a distribution group.".into(),
            json!({ "groupTypes": ["Unified"], "groupType": 8 }),
        )),
        63..=64 => findings.push(finding(
            "C03",
            Found,
            "A Microsoft 365 group, written to AD as a security group; V1 will write it as distribution group.".into(),
            json!({ "onPremisesGroupType": "universalSecurityGroup" }),
        )),
        65..=67 => findings.push(finding(
            "C08",
            Found,
            "The AD group has global scope.".into(),
            json!({ "groupType": -2147483646i64 }),
        )),
        68..=70 => findings.push(finding(
            "C11",
            Found,
            format!("Entra has no group {id}, and none among the deleted ones."),
            json!({ "adminDescription": anchor }),
        )),
        _ => {}
    }
    findings.push(finding(
        "C14",
        Found,
        "The stamp is empty; the cutover writes it.".into(),
        json!({ "adminDescription": anchor, "msDS-ExternalDirectoryObjectId": null }),
    ));
    if roll.is_multiple_of(7) {
        let first: Vec<String> = (0..(members.min(12) as usize)).map(|k| user(index, k)).collect();
        findings.push(finding(
            "C20",
            Found,
            format!("{} members have no AD account.", members),
            json!({ "count": members, "first": first }),
        ));
    }
    if (71..=78).contains(&roll) {
        let missing: Vec<String> = (0..3 + index % 40).map(|k| user(index, k)).collect();
        findings.push(finding(
            "C27",
            Found,
            format!("{} members are in Entra but not in AD; 0 are in AD but not in Entra.", missing.len()),
            json!({ "missing": missing, "extra": [] }),
        ));
    }
    if roll % 4 == 3 {
        findings.push(finding("C28", Found, format!("cn is {anchor}, and the job would write {}_{}.", display.replace(',', "\\,"), &id[24..]), json!({ "cn": anchor, "computed": format!("{display}_{}", &id[24..]), "expression": "Append(Append(Left(Trim([displayName]), 51), \"_\"), Mid([objectId], 25, 12))" })));
    }
    if roll % 5 == 4 {
        findings.push(finding(
            "C35",
            Unknown,
            "The input has no onPremisesSyncBehavior for this group.".into(),
            Value::Null,
        ));
    }
    if roll.is_multiple_of(11) {
        findings.push(finding("C38", Found, "Nested in 2 other AD groups.".into(), json!({ "memberOf": [format!("CN=FS-{index}-RW,OU=Resources,DC=contoso,DC=com"), "CN=VPN,OU=Resources,DC=contoso,DC=com"] })));
    }
    findings.sort_by(|a, b| a.rule.cmp(&b.rule));
    let verdict = findings
        .iter()
        .filter(|finding| finding.status == Found)
        .map(|finding| RULES.iter().find(|rule| rule.0 == finding.rule).map_or(Verdict::Migrate, |rule| rule.2))
        .max()
        .unwrap_or(Verdict::Migrate);
    Group {
        object_id: Some(id),
        object_guid: (!gone).then(|| guid(index, size, 3)),
        sid: (!gone).then(|| format!("S-1-5-21-1004336348-1177238915-682003330-{}", 1100 + index)),
        dn,
        display_name: (index % 501 != 17).then_some(display),
        verdict,
        members: if gone { 0 } else { members },
        findings,
    }
}
