//! The synchronisation rules of the example's Connect servers. What the product's own writeback rules hold in full is
//! published nowhere; these have their names and the flows that are known to matter.

pub const AD_CONNECTOR: &str = "3d6a1f0c-52be-4c8e-a1d7-94e0b7f25c31";
pub const ENTRA_CONNECTOR: &str = "b891884f-051e-4a83-95af-2544101c9083";

pub struct Rule {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    /// Empty for a rule that somebody made or cloned.
    pub tag: &'static str,
    pub inbound: bool,
    /// Belongs to the Entra connector; else to the AD connector.
    pub entra: bool,
    pub objects: (&'static str, &'static str),
    pub link: &'static str,
    pub precedence: u32,
    pub scope: &'static [(&'static str, &'static str, &'static str)],
    /// Attribute of the connected system and of the metaverse.
    pub join: Option<(&'static str, &'static str)>,
    pub flows: &'static [Flow],
    pub on: &'static [&'static str],
    pub disabled_on: &'static [&'static str],
}

#[derive(Clone, Copy)]
pub enum Flow {
    /// Target, source.
    Direct(&'static str, &'static str),
    Constant(&'static str, &'static str),
    /// Target, source attribute, expression.
    Expression(&'static str, &'static str, &'static str),
}

use Flow::{Constant, Direct, Expression};

const BOTH: &[&str] = &["SYNC01", "SYNC02"];
const STANDBY: &[&str] = &["SYNC02"];
const ACTIVE: &[&str] = &["SYNC01"];

const GROUP: Rule = Rule {
    id: "",
    name: "",
    description: "",
    tag: "",
    inbound: true,
    entra: true,
    objects: ("group", "group"),
    link: "Join",
    precedence: 0,
    scope: &[],
    join: None,
    flows: &[],
    on: BOTH,
    disabled_on: &[],
};

const CLOUD_JOIN: Option<(&str, &str)> = Some(("cloudAnchor", "cloudAnchor"));
const FROM_CLOUD: &[(&str, &str, &str)] = &[("cloudMastered", "EQUAL", "true")];

/// What the standby server's rules have that the assessment asks to put right: the rule that deletes, and the clone.
pub const NEGLECTED: [&str; 2] = ["cb871f2d-0f01-4c32-a333-ff809145b947", "a4470e6b-3d15-49c2-9f58-60d1be27c9f5"];

pub const RULES: &[Rule] = &[
    // Made by Fabrikam.
    Rule {
        id: "1f6b2c57-9a40-4be1-8d2e-7c3f5a9b0e14",
        name: "In from AD - User Cost Centre",
        description: "Cost centre into extensionAttribute4, for the payroll interface.",
        entra: false,
        objects: ("user", "person"),
        precedence: 50,
        flows: &[Direct("extensionAttribute4", "departmentNumber")],
        ..GROUP
    },
    // The second coexistence rule's usual number is taken here.
    Rule {
        id: "52d7e0a9-0c61-4f3b-b8f4-21c96d7e8a03",
        name: "In from AD - Group Hide Print Queues",
        description: "Keeps the print queue groups out of the address book.",
        entra: false,
        precedence: 88,
        scope: &[("sAMAccountName", "STARTSWITH", "PRN-")],
        flows: &[Constant("cloudFiltered", "True")],
        on: STANDBY,
        ..GROUP
    },
    // With this rule a group that leaves the scope is deleted in AD. The standby server still has it.
    Rule {
        id: "cb871f2d-0f01-4c32-a333-ff809145b947",
        name: "In from AAD - Group SOAinAAD Delete WriteBackOutOfScope and SoftDelete",
        description: "Deletes written-back groups that were switched off or deleted.",
        precedence: 60,
        scope: FROM_CLOUD,
        join: CLOUD_JOIN,
        flows: &[Expression(
            "reasonFiltered",
            "reasonFiltered",
            "IIF((IsPresent([reasonFiltered]) = True) && (InStr([reasonFiltered], \"WriteBackOutOfScope\") > 0 || \
             InStr([reasonFiltered], \"SoftDelete\") > 0), \"DeleteThisGroupInAD\", [reasonFiltered])",
        )],
        on: STANDBY,
        ..GROUP
    },
    // A clone from before the rule knew of the writeback type: with it every group is written as a distribution group.
    Rule {
        id: "a4470e6b-3d15-49c2-9f58-60d1be27c9f5",
        name: "In from AAD - Group SOAInAAD - Cloned 2021-08-12",
        description: "Clone with the description cut shorter.",
        precedence: 97,
        scope: FROM_CLOUD,
        join: CLOUD_JOIN,
        flows: &[
            Direct("cloudAnchor", "cloudAnchor"),
            Direct("cloudMastered", "cloudMastered"),
            Direct("displayName", "displayName"),
            Expression("description", "description", "Left([description], 200)"),
            Direct("member", "member"),
        ],
        on: STANDBY,
        ..GROUP
    },
    // The product's own.
    Rule {
        id: "794ef0a3-0556-410e-96ff-b2ec8495ef39",
        name: "In from AD - Group Join",
        tag: "Microsoft.InfromADGroupJoin.011",
        entra: false,
        link: "Provision",
        precedence: 112,
        scope: &[("isCriticalSystemObject", "NOTEQUAL", "True"), ("adminDescription", "NOTSTARTSWITH", "Group_")],
        join: Some(("objectGUID", "sourceAnchorBinary")),
        flows: &[Direct("accountName", "sAMAccountName"), Direct("member", "member")],
        ..GROUP
    },
    Rule {
        id: "0c2c5f4e-7f0d-4a52-8f46-1d9a3b6e70d2",
        name: "In from AAD - Group SOAInAAD",
        tag: "Microsoft.InfromAADGroupSOAInAAD.007",
        precedence: 128,
        scope: FROM_CLOUD,
        join: CLOUD_JOIN,
        flows: &[
            Direct("cloudAnchor", "cloudAnchor"),
            Direct("cloudMastered", "cloudMastered"),
            Direct("displayName", "displayName"),
            Expression("description", "description", "Left([description], 448)"),
            Direct("mail", "mail"),
            Direct("member", "member"),
            Direct("reasonFiltered", "reasonFiltered"),
            Direct("targetWritebackType", "targetWritebackType"),
        ],
        disabled_on: STANDBY,
        ..GROUP
    },
    Rule {
        id: "d8f5a6c0-28b3-4a0f-9b77-3e6d1c54f0a8",
        name: "Out to AD - Group SOAInAAD",
        tag: "Microsoft.OuttoADGroupSOAInAAD.006",
        inbound: false,
        entra: false,
        link: "Provision",
        precedence: 141,
        scope: FROM_CLOUD,
        flows: &[
            Expression("adminDescription", "cloudAnchor", "\"Group_\" & [cloudAnchor]"),
            Direct("displayName", "displayName"),
            Direct("description", "description"),
            Direct("member", "member"),
        ],
        ..GROUP
    },
    Rule {
        id: "e17b3f92-6c4d-4d18-a05e-8f2b9c7d6e31",
        name: "Out to AD - Group SOAInAAD - Exchange",
        tag: "Microsoft.OuttoADGroupSOAInAADExchange.004",
        inbound: false,
        entra: false,
        precedence: 142,
        scope: &[("cloudMastered", "EQUAL", "true"), ("mail", "ISNOTNULL", "")],
        flows: &[Direct("mail", "mail"), Direct("proxyAddresses", "proxyAddresses")],
        ..GROUP
    },
    Rule {
        id: "f0d94b75-1e2a-4c63-bb08-57a6e3c1d294",
        name: "Out to AD - Group Writeback Member Limit",
        tag: "Microsoft.OuttoADGroupWritebackMemberLimit.002",
        inbound: false,
        entra: false,
        precedence: 143,
        scope: FROM_CLOUD,
        flows: &[Expression("member", "member", "IIF(Count([member]) > 50000, IgnoreThisFlow, [member])")],
        ..GROUP
    },
    Rule {
        id: "2b9e6d08-b7c1-4f5a-8a3c-c4d50f1e7962",
        name: "Out to AAD - Group Writeup Member Limit",
        tag: "Microsoft.OuttoAADGroupWriteupMemberLimit.002",
        inbound: false,
        precedence: 150,
        scope: &[("cloudMastered", "NOTEQUAL", "True")],
        flows: &[Expression("member", "member", "IIF(Count([member]) > 250000, IgnoreThisFlow, [member])")],
        on: BOTH,
        ..GROUP
    },
    Rule {
        id: "7a15c3d4-e0f9-4b86-9c2d-0b8e4f6a5137",
        name: "Out to AAD - User Badge Accounts",
        description: "Keeps the telephone attributes of badge accounts out of the cloud.",
        inbound: false,
        objects: ("person", "user"),
        precedence: 51,
        scope: &[("accountName", "STARTSWITH", "sf")],
        flows: &[Constant("telephoneNumber", "AuthoritativeNull")],
        on: ACTIVE,
        ..GROUP
    },
];
