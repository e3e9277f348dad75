//! Gates about Active Directory: E4, E5, E13, C37.

use super::{GateContext, GateRule, Outcome};
use crate::directory::security::Access;
use crate::report::model::Severity;
use serde_json::json;

pub fn gates() -> Vec<GateRule> {
    vec![
        GateRule {
            id: "E4",
            title: "Schema has msDS-ExternalDirectoryObjectId",
            condition: "The forest's schema is that of Windows Server 2016 or later (objectVersion 87).",
            why: "Cloud Sync joins groups by this attribute; without it nothing can be stamped.",
            remedy: "Extend the schema with adprep /forestprep of Windows Server 2016 or later.",
            severity: Severity::Blocker,
            blocks: &["plan", "cutover run"],
            sources: &["PRE26", "MIG26"],
            attestable: false,
            check: e4,
        },
        GateRule {
            id: "E5",
            title: "Agent reaches domain controllers on 389 and 3268",
            condition: "The provisioning agent can open TCP 389 (LDAP) and TCP 3268 (Global Catalog) to domain controllers.",
            why: "Without the Global Catalog the agent drops member references.",
            remedy: "Open both ports from the agent's host to the domain controllers.",
            severity: Severity::High,
            blocks: &["cutover run"],
            sources: &["PRE26"],
            attestable: false,
            check: e5,
        },
        GateRule {
            id: "E13",
            title: "AD Recycle Bin is on",
            condition: "The forest has the Recycle Bin feature enabled.",
            why: "With it a deleted group comes back whole; without it, its memberships have to be restored from the snapshot.",
            remedy: "Enable-ADOptionalFeature 'Recycle Bin Feature' for the forest (cannot be undone; needs forest level 2008 R2).",
            severity: Severity::High,
            blocks: &["cutover run"],
            sources: &["MOD"],
            attestable: false,
            check: e13,
        },
        GateRule {
            id: "C37",
            title: "The agent's account may write the groups",
            condition: "The gMSA of the provisioning agent may write member and msDS-ExternalDirectoryObjectId of the groups and create groups in the container.",
            why: "Rights are granted by a clean installation of the agent only, not by an upgrade.",
            remedy: "Run Set-AADCloudSyncPermissions -PermissionType UserGroupCreateDelete for the domain.",
            severity: Severity::Blocker,
            blocks: &["cutover run"],
            sources: &["PRE26", "GMSA"],
            attestable: false,
            check: c37,
        },
    ]
}

/// objectVersion of the Windows Server 2016 schema.
const SCHEMA_2016: i64 = 87;

fn e4(gcx: &GateContext<'_>) -> Outcome {
    let environment = &gcx.cx.inventory.ad.environment;
    let defined =
        environment.schema_attributes.iter().any(|a| a.eq_ignore_ascii_case("msDS-ExternalDirectoryObjectId"));
    let used = environment.attributes_seen.iter().any(|a| a == "msds-externaldirectoryobjectid");
    let evidence =
        json!({ "attributeSchema": defined, "objectVersion": environment.schema_version, "someObjectCarriesIt": used });
    let settle = "Export CN=ms-DS-External-Directory-Object-Id and the head of CN=Schema,CN=Configuration,… (objectVersion), or run preflight.";
    if defined || used {
        return Outcome::pass(if defined {
            "The schema defines the attribute"
        } else {
            "Objects of the export carry the attribute"
        })
        .evidence(evidence);
    }
    match environment.schema_version {
        Some(version) if version >= SCHEMA_2016 => {
            Outcome::pass(format!("Schema version {version}: Windows Server 2016 or later")).evidence(evidence)
        }
        Some(version) => Outcome::fail(format!(
            "Schema version {version} is older than Windows Server 2016 (87), and no object carries the attribute"
        ))
        .evidence(evidence),
        None => Outcome::unknown("The input does not show the schema", settle).evidence(evidence),
    }
}

fn e5(_: &GateContext<'_>) -> Outcome {
    Outcome::unknown(
        "Exported files say nothing about the agent's network",
        "On the agent's host: Test-NetConnection DC -Port 389 and -Port 3268, for every domain controller it may use.",
    )
}

fn e13(gcx: &GateContext<'_>) -> Outcome {
    let state = gcx.cx.inventory.ad.environment.recycle_bin;
    let evidence = json!({ "recycleBin": state });
    match state {
        Some(true) => Outcome::pass("The Recycle Bin is enabled").evidence(evidence),
        Some(false) => Outcome::fail("The Recycle Bin is not enabled").evidence(evidence),
        None => Outcome::unknown(
            "The input does not show the Recycle Bin's state",
            "Export CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,… with all attributes, or run preflight.",
        )
        .evidence(evidence),
    }
}

fn c37(gcx: &GateContext<'_>) -> Outcome {
    let cx = gcx.cx;
    let Some(agent) = cx.agent_name() else {
        let settle = "Name the account ([ad] agent_account) and export it, the container and the groups with nTSecurityDescriptor, or run preflight.";
        return Outcome::unknown("The agent's account is not known from the input", settle).evidence(
            json!({ "agentAccount": cx.settings.agent_account, "descriptors": cx.inventory.ad.descriptors.len() }),
        );
    };
    let container = cx.container.as_ref();
    let (mut seen, mut denied, mut open) = (0u64, 0u64, 0u64);
    for group in &cx.inventory.ad.groups {
        let object = cx.inventory.ad_object(group);
        if !container.is_some_and(|c| c.holds(cx.inventory.dn(group.object))) {
            continue;
        }
        match cx.descriptor(object.security).and_then(|f| f.agent_write) {
            Some(Access::Granted) => seen += 1,
            Some(Access::Denied) => denied += 1,
            _ => open += 1,
        }
    }
    let create = cx
        .inventory
        .ad
        .objects
        .iter()
        .find(|o| container.is_some_and(|c| cx.inventory.text.get(o.dn).is_some_and(|dn| c.is(dn))))
        .and_then(|o| cx.descriptor(o.security))
        .and_then(|f| f.agent_create);
    let evidence = json!({
        "agentAccount": agent, "groupsGranted": seen, "groupsDenied": denied, "groupsOpen": open,
        "mayCreateGroups": create.map(|c| c == Access::Granted),
    });
    if denied > 0 || create == Some(Access::Denied) {
        let what = match create {
            Some(Access::Denied) => {
                format!("{agent} may not create groups in the container; {denied} group(s) refuse it")
            }
            _ => format!("{denied} group(s) refuse {agent}"),
        };
        return Outcome::fail(what).evidence(evidence);
    }
    if open > 0 || create != Some(Access::Granted) || seen == 0 || !cx.inventory.ad.is_whole() {
        let settle = "Export the container and the groups with nTSecurityDescriptor (ldapsearch -E '!1.2.840.113556.1.4.801=::MAMCAQc='), or run preflight.";
        return Outcome::unknown(
            match cx.inventory.ad.is_whole() {
                true => format!("The access lists of {open} group(s) or of the container are not in the input"),
                false => "AD's export is cut: groups that are not in it may refuse the account".to_owned(),
            },
            settle,
        )
        .evidence(evidence);
    }
    Outcome::pass(format!("{agent} may write all {seen} groups of the container and create groups there"))
        .evidence(evidence)
}
