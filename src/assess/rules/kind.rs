//! What the group is, on both sides: C01–C09, C34, C35.

use super::Rule;
use crate::assess::subject::{Detail, EntraSide, Sink, Subject};
use crate::assess::truth::Truth;
use crate::directory::inventory::Tri;
use crate::report::model::{Severity, Verdict};
use serde_json::json;

pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            id: "C01",
            title: "Universal security group, ready for Cloud Sync",
            condition: "AD: universal security group, adminDescription is Group_<objectId>, no mail. Entra: the same id is a cloud-created security group.",
            why: "This is the only kind of group that moves from group writeback V2 to Cloud Sync in place.",
            remedy: "Nothing to fix. The cutover stamps msDS-ExternalDirectoryObjectId with the anchor.",
            severity: Severity::Info,
            verdict: Verdict::Migrate,
            sources: &["MIG26", "MAP25"],
            check: c01,
        },
        Rule {
            id: "C02",
            title: "Microsoft 365 group, written as a distribution group",
            condition: "Entra: groupTypes contains Unified. AD: universal distribution group.",
            why: "Cloud Sync provisions security groups only. Microsoft 365 groups stay with group writeback V1.",
            remedy: "Leave it to V1. It stays in AD as a distribution group while V1 runs.",
            severity: Severity::Info,
            verdict: Verdict::Exclude,
            sources: &["MIG26", "FAQ26"],
            check: c02,
        },
        Rule {
            id: "C03",
            title: "Microsoft 365 group, written as a security group",
            condition: "Entra: groupTypes contains Unified. AD: security group.",
            why: "V1 writes Microsoft 365 groups as distribution groups only. Once V2 is off, access that rests on this group's SID is at risk.",
            remedy: "Replace it in access control lists with an Entra security group before V2 is turned off, and record the decision.",
            severity: Severity::High,
            verdict: Verdict::Exclude,
            sources: &["GWB2", "MIG26"],
            check: c03,
        },
        Rule {
            id: "C04",
            title: "Microsoft 365 group that V1 will create in AD",
            condition: "Entra: groupTypes contains Unified, writebackConfiguration.isEnabled is false. AD: no object.",
            why: "With V2 off, V1 writes every Microsoft 365 group back, whatever its setting says.",
            remedy: "Count these groups into the cutover's announcement, or decide on V1 first.",
            severity: Severity::Medium,
            verdict: Verdict::Exclude,
            sources: &["MIG26"],
            check: c04,
        },
        Rule {
            id: "C05",
            title: "Mail-enabled security group",
            condition: "Entra: not Unified, mailEnabled and securityEnabled.",
            why: "Neither V2 nor Cloud Sync writes mail-enabled security groups of Exchange Online to AD.",
            remedy: "Recreate it as a security group, or keep it in Exchange Online and retire the AD copy.",
            severity: Severity::High,
            verdict: Verdict::Exclude,
            sources: &["OVW26", "GWB2"],
            check: c05,
        },
        Rule {
            id: "C06",
            title: "Distribution list",
            condition: "Entra: not Unified, mailEnabled, not securityEnabled.",
            why: "Group writeback never wrote distribution lists; an AD copy has another origin.",
            remedy: "Find out where the AD copy comes from and who uses it.",
            severity: Severity::Medium,
            verdict: Verdict::Exclude,
            sources: &["GWB2"],
            check: c06,
        },
        Rule {
            id: "C07",
            title: "Mail attributes in AD, none in Entra",
            condition: "AD: mail or proxyAddresses is set. Entra: not mail-enabled.",
            why: "The coexistence rule selects by mail on the Entra side; a difference says that one side drifted.",
            remedy: "Find out who set the mail attributes in AD. Clear them, or treat the group as mail-enabled.",
            severity: Severity::Medium,
            verdict: Verdict::Review,
            sources: &["MIG26"],
            check: c07,
        },
        Rule {
            id: "C08",
            title: "Not a universal group",
            condition: "AD: groupType lacks the universal bit (0x8).",
            why: "Cloud Sync provisions universal groups; a global or domain local copy cannot be taken over.",
            remedy: "Convert it to universal (Set-ADGroup -GroupScope Universal). A domain local group must not contain domain local groups, a global one must not be a member of a global group.",
            severity: Severity::Blocker,
            verdict: Verdict::Fix,
            sources: &["MIG26", "GWB2"],
            check: c08,
        },
        Rule {
            id: "C09",
            title: "Distribution group in AD, security group in Entra",
            condition: "AD: groupType lacks the security bit. Entra: a security group.",
            why: "A cloned \"In from AAD - Group SOAInAAD\" rule loses targetWritebackType, and then every group is written as a distribution group.",
            remedy: "Restore the default rule on the Connect server, run a full synchronisation, then check the group's type again.",
            severity: Severity::Blocker,
            verdict: Verdict::Fix,
            sources: &["CVH"],
            check: c09,
        },
        Rule {
            id: "C34",
            title: "Synchronised from AD, not created in the cloud",
            condition: "Entra: onPremisesSyncEnabled is true.",
            why: "Cloud Sync's default scope leaves synchronised groups out. They move by source-of-authority conversion, another path.",
            remedy: "Leave it out of this migration; convert its source of authority first if it is to be managed in the cloud.",
            severity: Severity::Blocker,
            verdict: Verdict::Exclude,
            sources: &["CFG26"],
            check: c34,
        },
        Rule {
            id: "C35",
            title: "Source of authority already converted",
            condition: "Entra: onPremisesSyncBehavior.isCloudManaged is true.",
            why: "Such a group came from AD and was never written back by V2; it is matched and placed in another way.",
            remedy: "Follow the source-of-authority path (match by msDS-ExternalDirectoryObjectId, place by a GroupDN extension).",
            severity: Severity::Medium,
            verdict: Verdict::Exclude,
            sources: &["SOAC"],
            check: c35,
        },
    ]
}

/// The properties that say what an Entra group is.
fn kind_properties(s: &Subject<'_>) -> Vec<(&'static str, Tri)> {
    match s.entra_group() {
        Some(g) => vec![
            ("groupTypes", g.unified),
            ("mailEnabled", g.mail_enabled),
            ("securityEnabled", g.security_enabled),
            ("onPremisesSyncEnabled", g.synced),
        ],
        None => Vec::new(),
    }
}

fn conflict(s: &Subject<'_>) -> bool {
    s.ad.is_some_and(|(g, _)| g.conflict) || s.entra_group().is_some_and(|g| g.conflict)
}

fn c01(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    if conflict(s) {
        return out.unknown(|| {
            Detail::new("The input describes this group more than once, in different ways")
                .evidence(json!({ "problems": "see the report's list of problems in the input" }))
                .remedy("Export again so that each object is described once; the report names the contradictions.")
        });
    }
    let ready = s.universal()
        & s.ad_security()
        & Truth::of(s.admin_description.anchor().is_some())
        & Truth::of(group.mail.is_none())
        & s.entra_security()
        & s.ask(|g| Truth::is_null(g.synced))
        & s.ask(|g| Truth::of(!g.deleted));
    out.decide(
        ready,
        || {
            Detail::new("Universal security group with a valid anchor; Entra has the same group, created in the cloud")
                .evidence(json!({
                    "groupType": group.group_type,
                    "adminDescription": s.text(group.admin_description),
                }))
        },
        || s.open("Whether this group can move is open", &kind_properties(s)),
    );
}

fn c02(s: &Subject<'_>, out: &mut Sink) {
    if !s.in_ad() {
        // A Microsoft 365 group that is on for writeback and has no AD object: nothing shows how it is written.
        let unwritten = s.unified() & s.is(|g| g.writeback.is_enabled);
        if unwritten == Truth::Yes {
            out.unknown(|| {
                let (ad, settle) = match s.cx.inventory.ad.is_whole() {
                    true => ("AD has no such object", "Find out why writeback does not reach it (container, errors in Connect); with V2 off, V1 writes it as a distribution group."),
                    false => ("AD is not in the input, or not whole", "Export the writeback container with ldifde or ldapsearch, or collect live."),
                };
                Detail::new(format!("Microsoft 365 group, on for writeback, but {ad}: how it is written is open"))
                    .evidence(json!({ "isEnabled": true }))
                    .remedy(settle)
            });
        }
        return;
    }
    out.decide(
        s.unified() & s.ad_distribution(),
        || Detail::new("Microsoft 365 group; AD has it as a distribution group").evidence(type_evidence(s)),
        || s.open("Whether this is a Microsoft 365 group is open", &kind_properties(s)),
    );
}

fn c03(s: &Subject<'_>, out: &mut Sink) {
    out.decide(
        s.unified() & s.ad_security(),
        || {
            let wanted = s.entra_group().and_then(|g| s.text(g.writeback.group_type));
            let mut evidence = type_evidence(s);
            evidence["onPremisesGroupType"] = json!(wanted);
            Detail::new("Microsoft 365 group; AD has it as a security group, which V1 does not write")
                .evidence(evidence)
        },
        || s.open("Whether this is a Microsoft 365 group is open", &kind_properties(s)),
    );
}

fn c04(s: &Subject<'_>, out: &mut Sink) {
    if s.in_ad() || !s.cx.inventory.ad.is_whole() {
        return;
    }
    let off = s.ask(|g| match g.writeback.is_enabled {
        Tri::Absent => Truth::Maybe,
        value => Truth::of(value == Tri::False),
    });
    if s.unified() & off == Truth::Yes {
        out.found(|| {
            Detail::new("Microsoft 365 group that is off for writeback and not in AD; V1 will create it once V2 is off")
                .evidence(json!({ "isEnabled": false }))
        });
    }
}

fn c05(s: &Subject<'_>, out: &mut Sink) {
    out.decide(
        s.known() & !s.unified() & s.mail_enabled() & s.security_enabled(),
        || Detail::new("Mail-enabled security group in Entra").evidence(type_evidence(s)),
        || s.open("Whether this is a mail-enabled security group is open", &kind_properties(s)),
    );
}

fn c06(s: &Subject<'_>, out: &mut Sink) {
    out.decide(
        s.known() & !s.unified() & s.mail_enabled() & !s.security_enabled(),
        || Detail::new("Distribution list in Entra").evidence(type_evidence(s)),
        || s.open("Whether this is a distribution list is open", &kind_properties(s)),
    );
}

fn c07(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    let mail = group.mail.is_some() || group.has_proxy_addresses;
    out.decide(
        Truth::of(mail) & s.known() & !s.mail_enabled(),
        || {
            Detail::new("AD has mail attributes on this group, Entra has it without mail")
                .evidence(json!({ "mail": s.text(group.mail), "proxyAddresses": group.has_proxy_addresses }))
        },
        || s.open("AD has mail attributes on this group; whether Entra has them too is open", &kind_properties(s)),
    );
}

fn c08(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    out.decide(
        !s.universal(),
        || {
            let words = group.group_type.map(|t| t.to_string()).unwrap_or_default();
            Detail::new(format!("The group is {words}, not universal")).evidence(type_evidence(s))
        },
        || s.open("The group's scope is open", &[]),
    );
}

fn c09(s: &Subject<'_>, out: &mut Sink) {
    out.decide(
        s.ad_distribution() & s.entra_security(),
        || Detail::new("Security group in Entra, distribution group in AD").evidence(type_evidence(s)),
        || s.open("Whether Entra and AD agree on security or distribution is open", &kind_properties(s)),
    );
}

fn c34(s: &Subject<'_>, out: &mut Sink) {
    out.decide(
        s.is(|g| g.synced),
        || {
            Detail::new("Entra has this group as synchronised from AD")
                .evidence(json!({ "onPremisesSyncEnabled": true }))
        },
        || {
            s.open(
                "Whether the group is synchronised from AD is open",
                &[("onPremisesSyncEnabled", s.entra_group().map_or(Tri::Absent, |g| g.synced))],
            )
        },
    );
}

fn c35(s: &Subject<'_>, out: &mut Sink) {
    let managed = s.is(|g| g.cloud_managed);
    let converted = s
        .entra_group()
        .is_some_and(|g| g.has_on_premises_identity && g.synced == Tri::Null && g.cloud_managed == Tri::Absent);
    if converted {
        return out.unknown_as(Verdict::Review, || {
            Detail::new("The group carries on-premises identifiers though it is not synchronised: its source of authority may have been converted")
                .evidence(json!({ "onPremisesSyncEnabled": null, "missing": ["onPremisesSyncBehavior"] }))
                .remedy("Read GET /groups/{id}/onPremisesSyncBehavior and add it to the group.")
        });
    }
    out.decide(
        managed,
        || {
            Detail::new("The group's source of authority was converted to the cloud")
                .evidence(json!({ "isCloudManaged": true }))
        },
        || match s.entra {
            EntraSide::NotCollected => s.open("Whether the source of authority was converted is open", &[]),
            _ => Detail::new(
                "Whether the source of authority was converted is open: the input has no onPremisesSyncBehavior",
            )
            .evidence(json!({ "missing": ["onPremisesSyncBehavior"] }))
            .remedy("Read GET /groups/{id}/onPremisesSyncBehavior, or collect the tenant live."),
        },
    );
}

fn type_evidence(s: &Subject<'_>) -> serde_json::Value {
    let entra = s.entra_group();
    json!({
        "groupType": s.ad.and_then(|(g, _)| g.group_type),
        "adType": s.ad.and_then(|(g, _)| g.group_type).map(|t| t.to_string()),
        "unified": entra.and_then(|g| g.unified.known()),
        "mailEnabled": entra.and_then(|g| g.mail_enabled.known()),
        "securityEnabled": entra.and_then(|g| g.security_enabled.known()),
    })
}
