//! The example's two Connect servers as their administrators export them: SYNC01 is active and in good order; SYNC02
//! stands by in staging, and its rules were never looked after.

use super::connect_rules::{AD_CONNECTOR, ENTRA_CONNECTOR, Flow, NEGLECTED, RULES, Rule};
use super::tenant::{APPLICATIONS, CLOUD_DOMAIN, DNS_DOMAIN, NETBIOS, RESOURCES, ROOT, WRITEBACK};
use std::fmt::Write as _;

pub const VERSION: &str = "2.6.84.0";

/// A Connect server.
#[derive(Clone, Copy)]
pub struct Server {
    pub name: &'static str,
    pub staging: bool,
    pub account: &'static str,
    pub(super) exported: &'static str,
    /// As the collector script writes it, and as a date with milliseconds since 1970.
    pub collected: (&'static str, u64),
    /// Its rules were looked after, as the assessment asks.
    pub mended: bool,
}

pub const SERVERS: [Server; 2] = [
    Server {
        name: "SYNC01",
        staging: false,
        account: "MSOL_4b1c7f90ae22",
        exported: "2026-11-20 16:02:11.417",
        collected: ("2026-11-20T16:05:33Z", 1_795_190_733_000),
        mended: false,
    },
    Server {
        name: "SYNC02",
        staging: true,
        account: "MSOL_9e03d54b1177",
        exported: "2026-11-20 16:21:48.902",
        collected: ("2026-11-20T16:24:59Z", 1_795_191_899_000),
        mended: false,
    },
];

/// Containers that Connect reads, below the domain.
const INCLUDED: [&str; 6] = ["OU=Sites", "OU=Shop Floor", "OU=Interim,OU=Identity", WRITEBACK, APPLICATIONS, RESOURCES];

pub fn title(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub fn settings(server: &Server) -> Vec<(&'static str, String)> {
    let text = str::to_owned;
    vec![
        ("Microsoft.Synchronize.ServerConfigurationVersion", text(VERSION)),
        ("Microsoft.Synchronize.StagingMode", text(title(server.staging))),
        ("Microsoft.Synchronize.SynchronizationSchedule", text("True")),
        ("Microsoft.Synchronize.SchedulerSuspended", text("False")),
        ("Microsoft.Synchronize.SynchronizationPolicy", text("Delta")),
        ("Microsoft.Synchronize.TimeInterval", text("00:30:00")),
        ("Microsoft.Synchronize.NextStartTime", text("Fri, 20 Nov 2026 16:31:00 GMT")),
        ("Microsoft.Synchronize.MaintenanceEnabled", text("True")),
        ("Microsoft.SynchronizationOption.AnchorAttribute", text("mS-DS-ConsistencyGuid")),
        ("Microsoft.OptionalFeature.GroupWriteBack", text("True")),
        ("Microsoft.GroupWriteBack.Container", format!("{WRITEBACK},{ROOT}")),
        ("Microsoft.GroupWriteBack.Forest", text(DNS_DOMAIN)),
        ("Microsoft.OptionalFeature.PasswordHashSync", text("True")),
        ("Microsoft.OptionalFeature.DeviceWriteBack", text("False")),
        ("Microsoft.OptionalFeature.HybridExchange", text("False")),
        ("Microsoft.OptionalFeature.ExportDeletionThreshold", text("True")),
        ("Microsoft.OptionalFeature.ExportDeletionThresholdValue", text("500")),
    ]
}

/// Attributes of the metaverse that matter here.
pub const METAVERSE: [&str; 12] = [
    "accountName",
    "cloudAnchor",
    "cloudMastered",
    "cloudNoFlow",
    "cn",
    "description",
    "displayName",
    "mail",
    "member",
    "reasonFiltered",
    "sourceAnchorBinary",
    "targetWritebackType",
];

/// `GlobalSettings/MV.xml`.
pub fn global_settings(server: &Server) -> String {
    let mut out = format!("<saved-mv-configuration server='{}' export-date='{}'>\r\n", server.name, server.exported);
    out.push_str("<!--WARNING>\r\n  Changes by hand are not supported and may break an import.\r\n</WARNING-->\r\n");
    out.push_str("<mv-data>\r\n <format-version>1</format-version>\r\n <schema>\r\n  <dsml:dsml ");
    out.push_str("xmlns:ms-dsml=\"http://www.microsoft.com/MMS/DSML\" xmlns:dsml=\"http://www.dsml.org/DSML\">\r\n");
    out.push_str("   <dsml:directory-schema>\r\n    <dsml:class id=\"group\" type=\"structural\">\r\n");
    out.push_str("     <dsml:name>group</dsml:name>\r\n");
    for name in METAVERSE {
        let _ = write!(out, "     <dsml:attribute ref=\"#{name}\" required=\"false\" />\r\n");
    }
    out.push_str("    </dsml:class>\r\n");
    for name in METAVERSE {
        let _ = write!(
            out,
            "    <dsml:attribute-type id=\"{name}\"><dsml:name>{name}</dsml:name></dsml:attribute-type>\r\n"
        );
    }
    out.push_str("   </dsml:directory-schema>\r\n  </dsml:dsml>\r\n </schema>\r\n <parameter-values>\r\n");
    for (name, value) in settings(server) {
        let _ = write!(
            out,
            "  <parameter name=\"{name}\" type=\"string\" use=\"SynchronizationGlobal\" dataType=\"String\">{}</parameter>\r\n",
            escaped(&value)
        );
    }
    out.push_str(" </parameter-values>\r\n</mv-data>\r\n</saved-mv-configuration>\r\n");
    out
}

/// Whether a server has a rule, and whether it is switched off there.
pub fn has(server: &Server, rule: &Rule) -> bool {
    rule.on.contains(&server.name) && !(server.mended && NEGLECTED.contains(&rule.id))
}
pub fn is_off(server: &Server, rule: &Rule) -> bool {
    rule.disabled_on.contains(&server.name) && !server.mended
}

/// The rules of a server, each with its file name.
pub fn rules(server: &Server) -> Vec<(String, String)> {
    RULES
        .iter()
        .filter(|rule| has(server, rule))
        .map(|rule| (format!("SynchronizationRule_{{{}}}.xml", rule.id), rule_xml(rule, server)))
        .collect()
}

fn element(name: &str, text: &str) -> String {
    match text.is_empty() {
        true => format!("<{name} />"),
        false => format!("<{name}>{}</{name}>", escaped(text)),
    }
}

fn rule_xml(rule: &Rule, server: &Server) -> String {
    let connector = if rule.entra { ENTRA_CONNECTOR } else { AD_CONNECTOR };
    let braced = |id: &str| format!("{{{id}}}");
    let mut out = "<synchronizationRule>\r\n".to_owned();
    let nil = "{00000000-0000-0000-0000-000000000000}";
    for (name, text) in [
        ("id", braced(rule.id).as_str()),
        ("internal-id", &braced(rule.id)),
        ("version", "1"),
        ("name", rule.name),
        ("description", rule.description),
        ("immutable-tag", rule.tag),
        ("direction", if rule.inbound { "Inbound" } else { "Outbound" }),
        ("disabled", title(is_off(server, rule))),
        ("connector", &braced(connector)),
        ("sourceObjectType", rule.objects.0),
        ("targetObjectType", rule.objects.1),
        ("linkType", rule.link),
        ("precedence", &rule.precedence.to_string()),
        ("precedence-after", nil),
        ("precedence-before", nil),
        ("softDeleteExpiryInterval", "00:00:00"),
        ("EnablePasswordSync", "false"),
    ] {
        let _ = write!(out, "  {}\r\n", element(name, text));
    }
    out.push_str("  <attribute-mappings>\r\n");
    for flow in rule.flows {
        out.push_str("    <mapping>\r\n");
        let (target, source, expression) = match *flow {
            Flow::Direct(target, source) => (target, format!("<src>{}</src>", element("attr", source)), None),
            Flow::Constant(target, value) => (target, element("src", value), None),
            Flow::Expression(target, source, text) => {
                (target, format!("<src>{}</src>", element("attr", source)), Some(element("expression", text)))
            }
        };
        let _ = write!(out, "      {}\r\n      {source}\r\n", element("dest", target));
        if let Some(expression) = expression {
            let _ = write!(out, "      {expression}\r\n");
        }
        out.push_str("      <valueMergeType>Update</valueMergeType>\r\n    </mapping>\r\n");
    }
    out.push_str("  </attribute-mappings>\r\n");
    match rule.join {
        None => out.push_str("  <relationshipCriteria />\r\n"),
        Some((connected, metaverse)) => {
            let (connected, metaverse) = (element("csAttribute", connected), element("ilmAttribute", metaverse));
            out.push_str("  <relationshipCriteria>\r\n    <conditions>\r\n");
            let _ = write!(
                out,
                "      <condition>{connected}{metaverse}<caseSensitive>False</caseSensitive></condition>\r\n"
            );
            out.push_str("    </conditions>\r\n  </relationshipCriteria>\r\n");
        }
    }
    if rule.scope.is_empty() {
        out.push_str("  <synchronizationCriteria />\r\n");
    } else {
        out.push_str("  <synchronizationCriteria>\r\n    <conditions>\r\n");
        for (attribute, operator, value) in rule.scope {
            let parts = [("csAttribute", attribute), ("csOperator", operator), ("csValue", value)];
            let parts: String = parts.iter().map(|(name, text)| element(name, text)).collect();
            let _ = write!(out, "      <scope>{parts}</scope>\r\n");
        }
        out.push_str("    </conditions>\r\n  </synchronizationCriteria>\r\n");
    }
    out.push_str("</synchronizationRule>");
    out
}

/// The connectors of a server, each with its file name.
pub fn connectors(server: &Server) -> Vec<(String, String)> {
    let file = |id: &str| format!("Connector_{{{id}}}.xml");
    vec![(file(AD_CONNECTOR), ad_connector(server)), (file(ENTRA_CONNECTOR), entra_connector(server))]
}

fn head(id: &str, name: &str, category: &str, subtype: &str) -> String {
    let mut out = "<ma-data>\r\n  <format-version>1</format-version>\r\n".to_owned();
    for (name, text) in [
        ("id", format!("{{{}}}", id.to_uppercase()).as_str()),
        ("name", name),
        ("category", category),
        ("description", ""),
        ("subtype", subtype),
        ("creation-time", "2021-03-22 09:12:30.100"),
    ] {
        let _ = write!(out, "  {}\r\n", element(name, text));
    }
    out
}

pub fn included() -> Vec<String> {
    INCLUDED.iter().map(|below| format!("{below},{ROOT}")).collect()
}

/// An encrypted parameter, which exports leave empty.
const PASSWORD: &str = "<parameter name=\"password\" type=\"encrypted-string\" use=\"connectivity\" dataType=\"String\" encrypted=\"1\" />";

pub const ATTRIBUTES: [&str; 12] = [
    "adminDescription",
    "cn",
    "description",
    "displayName",
    "groupType",
    "mail",
    "mS-DS-ConsistencyGuid",
    "member",
    "msDS-ExternalDirectoryObjectID",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
];
pub const CLASSES: [&str; 6] = ["computer", "contact", "container", "group", "organizationalUnit", "user"];

fn list(items: impl IntoIterator<Item = impl AsRef<str>>, name: &str) -> String {
    items.into_iter().map(|item| element(name, item.as_ref())).collect()
}

fn ad_connector(server: &Server) -> String {
    let mut out = head(AD_CONNECTOR, DNS_DOMAIN, "AD", "");
    let parameter = |name: &str, value: &str| {
        format!("<parameter name=\"{name}\" type=\"string\" use=\"global\" dataType=\"String\">{value}</parameter>")
    };
    let _ = write!(
        out,
        "  <private-configuration><adma-configuration>{}{}{}<parameter-values>{}{}</parameter-values>\
         </adma-configuration></private-configuration>\r\n",
        element("forest-name", DNS_DOMAIN),
        element("forest-login-domain", NETBIOS),
        element("forest-login-user", server.account),
        parameter("Connector.GroupWriteBackContainerDn", &format!("{WRITEBACK},{ROOT}")),
        PASSWORD,
    );
    let _ = write!(out, "  <attribute-inclusion>{}</attribute-inclusion>\r\n", list(ATTRIBUTES, "attribute"));
    let _ = write!(
        out,
        "  <ma-partition-data><partition>{}<selected>1</selected><filter><object-classes>{}</object-classes>\
         <containers><exclusions>{}</exclusions><inclusions>{}</inclusions></containers></filter></partition>\
         </ma-partition-data>\r\n</ma-data>",
        element("name", ROOT),
        list(CLASSES, "object-class"),
        list([ROOT], "exclusion"),
        list(included(), "inclusion"),
    );
    out
}

pub fn entra_account(server: &Server) -> String {
    format!("Sync_{}_{}@{CLOUD_DOMAIN}", server.name, &server.account[5..])
}

fn entra_connector(server: &Server) -> String {
    let name = format!("{CLOUD_DOMAIN} - AAD");
    let mut out = head(ENTRA_CONNECTOR, &name, "Extensible2", "Windows Azure Active Directory (Microsoft)");
    let _ = write!(
        out,
        "  <private-configuration><MAConfig><extension-config>{}</extension-config><parameter-values>\
         <parameter name=\"UserName\" type=\"string\" use=\"connectivity\" dataType=\"String\">{}</parameter>\
         </parameter-values></MAConfig></private-configuration>\r\n",
        element("assembly-version", VERSION),
        entra_account(server),
    );
    let _ = write!(
        out,
        "  <attribute-inclusion>{}</attribute-inclusion>\r\n  <ma-partition-data><partition><name>default</name>\
         <selected>1</selected></partition></ma-partition-data>\r\n</ma-data>",
        list(["cloudAnchor", "cloudMastered", "displayName", "mail", "member"], "attribute")
    );
    out
}

/// `csexport.xml` of the active server's AD connector: a user's new department waits to be written, and nothing else.
pub fn pending_exports(dn: &str) -> String {
    format!(
        "<cs-objects>\r\n <cs-object cs-dn=\"{dn}\" id=\"{{7D0C1E9A-3F52-4E0B-9C1D-5A7E0B2C4F18}}\" object-type=\"user\">\r\n\
         \u{20} <unapplied-export>\r\n   <delta operation=\"update\" dn=\"{dn}\">\r\n\
         \u{20}   <attr name=\"msDS-ExternalDirectoryObjectID\" operation=\"add\" type=\"string\" multivalued=\"false\">\r\n\
         \u{20}    <value>User_0b6c4d5e-8f1a-4a77-9d3e-c2b1a0f98e76</value>\r\n    </attr>\r\n   </delta>\r\n\
         \u{20} </unapplied-export>\r\n </cs-object>\r\n</cs-objects>\r\n",
        dn = escaped(dn)
    )
}
