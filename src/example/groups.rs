//! The groups of Fabrikam Industries as tables: those of `MIGRATING` move as they are, those of `TROUBLED` each
//! show a rule, and `AD_ONLY` are the groups of the domain that nothing writes back.
//!
//! | rule | shown by |
//! |---|---|
//! | C01, C14 empty | every group of `MIGRATING` |
//! | C02 | Sales Playbook, Town Hall Lyon: Microsoft 365, distribution in AD |
//! | C03 | Engineering Change Board, Plant Managers: Microsoft 365, security in AD |
//! | C04 | Cycling Club, Canteen Committee Brno: Microsoft 365, switched off, not in AD |
//! | C05, C06, C07 | Security Operations Alerts; News Distribution; Tender Office |
//! | C08 | Contractors Gdańsk (global), Tool Crib Access (domain local) |
//! | C09 | Ergonomics Panel: distribution in AD, from the weeks when the cloned rule ran |
//! | C10 | Temporary Project Access, Batch Job Exceptions, Former Litware Readers |
//! | C11, C12 | Customer Portal Pilot; Trade Fair Hannover 2025 |
//! | C13 | Legacy CRM Readers (false), Warehouse Scanner Pilot (null) |
//! | C14 equal, different | Kaizen Champions, Crisis Team, Travel Approvers; Treasury Payments |
//! | C15 | Kiosk Browser Users, and its copy in the retired unit |
//! | C16 | Badge Office: stamped as a user |
//! | C17, C18 | Shop Floor Accounts (50,001); Shop Floor Day Shift (46,218) |
//! | C20 | SCADA Remote Engineers, Power BI Gateway Users, Jenkins Developers |
//! | C21, C22 | Interim Management; Litware Integration Team |
//! | C23 | Print Operators Europe, Maintenance On Call |
//! | C24 | Dealer Portal Editors (child forgotten), Field Service Europe (child never written back) |
//! | C25, C26 | Autopilot Build Stations; Product Launch Core |
//! | C27 | Export Control Reviewers (two missing), Recipe Approvers (two too many) |
//! | C28 | Robot Cell Programmers, Paint Shop Process: no name kept for the job's `cn` mapping |
//! | C29 | Continuous Improvement Office, Design Language Team: renamed since they were written |
//! | C30 | Gauge Calibration Lab, Metrology Remote Access: moved to another unit |
//! | C31 | Supplier Quality Portal: another mail nickname since |
//! | C32 | Department Legal: dynamic and paused |
//! | C33 | Privileged Role Approvers, Executive Assistants |
//! | C34, C35 | Legacy Domain Print Admins; Warehouse Automation |
//! | C36 | Backup Operators Delegates (AdminSDHolder), Payroll Vault (inheritance off) |
//! | C37 | Turbine Test Bench: the agent's account is denied |
//! | C38 | whatever `AD_ONLY` nests |
//! | C39, C40, C41 | Enterprise Key Admins; Identity Governance Pilot; Energy Dashboard Readers |
//!
//! C19 is a gate: the totals stay below its limits.

use super::row::{AdRow, Era, Row, Trait, Who};
use crate::directory::GroupType;

use Era::{Named, Numbered};
use Trait::*;
use Who::{AdGroup, At, Badges, CloudOnly, Department, Every, Group, NoIdentifier, OtherForest, Site};

const fn numbered(name: &'static str, members: &'static [Who]) -> Row {
    Row::new(name, Numbered, members)
}
const fn named(name: &'static str, members: &'static [Who]) -> Row {
    Row::new(name, Named, members)
}

const STAMPED: &[Trait] = &[Edoi("Group_{id}")];
const DYNAMIC: &[Trait] = &[Dynamic];

/// The groups that can move as they are.
pub const MIGRATING: &[Row] = &[
    // The company by place, four levels deep; the older naming.
    numbered(
        "Fabrikam All Staff",
        &[Group("Region Europe"), Group("Region Americas"), Group("Region Asia Pacific"), Group("Site Durban")],
    ),
    numbered(
        "Region Europe",
        &[
            Group("Site Stuttgart"),
            Group("Site Lyon"),
            Group("Site Brno"),
            Group("Site Gdańsk"),
            Group("Site Porto"),
            Group("Site Izmir"),
        ],
    ),
    numbered("Region Americas", &[Group("Site Milwaukee"), Group("Site Guadalajara")]),
    numbered("Region Asia Pacific", &[Group("Site Pune"), Group("Site Osaka"), Group("Site Hanoi")]),
    numbered("Site Stuttgart", &[Site("Stuttgart"), Group("Works Council Stuttgart")]),
    numbered("Site Milwaukee", &[Site("Milwaukee")]),
    numbered("Site Lyon", &[Site("Lyon"), Group("Équipe Maintenance Lyon")]),
    numbered("Site Guadalajara", &[Site("Guadalajara")]),
    numbered("Site Brno", &[Site("Brno"), Group("Fire Wardens Brno")]),
    numbered("Site Gdańsk", &[Site("Gdansk")]),
    numbered("Site Porto", &[Site("Porto")]),
    numbered("Site Izmir", &[Site("Izmir")]),
    numbered("Site Pune", &[Site("Pune")]),
    numbered("Site Osaka", &[Site("Osaka"), Group("品質保証 大阪")]),
    numbered("Site Hanoi", &[Site("Hanoi")]),
    numbered("Site Durban", &[Site("Durban")]),
    // The company by department, dynamic; the newer naming.
    named("Department Production", &[Department("Production")]).with(DYNAMIC),
    named("Department Engineering", &[Department("Engineering")]).with(DYNAMIC),
    named("Department Quality", &[Department("Quality")]).with(DYNAMIC),
    named("Department Logistics", &[Department("Logistics")]).with(DYNAMIC),
    named("Department Maintenance", &[Department("Maintenance")]).with(DYNAMIC),
    named("Department Procurement", &[Department("Procurement")]).with(DYNAMIC),
    named("Department Sales", &[Department("Sales")]).with(DYNAMIC),
    named("Department Finance", &[Department("Finance")]).with(DYNAMIC),
    named("Department IT", &[Department("IT")]).with(DYNAMIC),
    named("Department Human Resources", &[Department("Human Resources")]).with(DYNAMIC),
    named("Department EHS", &[Department("EHS")]).with(DYNAMIC),
    named("Department Legal", &[Department("Legal")]).with(&[Dynamic, Paused]).shows(&["C32"]),
    // Applications.
    numbered("SAP S4 Finance Users", &[Group("Department Finance"), Every(40, 3)]),
    numbered("SAP S4 Procurement Users", &[Group("Department Procurement")]),
    numbered("SAP S4 Warehouse Users", &[Group("Department Logistics"), At("Production", "Brno")]),
    named("SAP S4 Key Users", &[Every(29, 5)]),
    named("SAP Fiori Approvers", &[Every(31, 7)]),
    numbered("MES Operators Lyon", &[At("Production", "Lyon"), At("Maintenance", "Lyon")]),
    numbered("MES Operators Brno", &[At("Production", "Brno"), At("Maintenance", "Brno")]),
    numbered("MES Operators Gdańsk", &[At("Production", "Gdansk")]),
    numbered("MES Operators Pune", &[At("Production", "Pune"), At("Quality", "Pune")]),
    named(
        "MES Operators Worldwide",
        &[
            Group("MES Operators Lyon"),
            Group("MES Operators Brno"),
            Group("MES Operators Gdańsk"),
            Group("MES Operators Pune"),
        ],
    ),
    named("MES Administrators", &[At("IT", "Stuttgart"), At("IT", "Brno")]),
    named("PLM Designers", &[Department("Engineering")]),
    named("PLM Viewers", &[Department("Production"), Department("Quality"), Group("PLM Designers")]),
    numbered(
        "CAD Licence 3D",
        &[At("Engineering", "Stuttgart"), At("Engineering", "Pune"), At("Engineering", "Osaka")],
    ),
    numbered("CAD Licence 2D", &[Every(23, 2)]),
    named("LIMS Analysts", &[At("Quality", "Lyon"), At("Quality", "Porto"), At("Quality", "Durban")]),
    named("LIMS Approvers", &[Every(53, 4)]),
    numbered("QMS Auditors", &[Every(37, 1)]),
    named("QMS Document Owners", &[Department("Quality"), At("Engineering", "Milwaukee")]),
    numbered("Historian Read", &[Department("Production"), Department("Engineering")]),
    named("SCADA Remote Engineers", &[At("Engineering", "Brno"), CloudOnly(0), CloudOnly(1)]).shows(&["C20"]),
    numbered("VPN Employees", &[Group("Fabrikam All Staff")]),
    numbered("VPN Privileged", &[Department("IT")]),
    named("Virtual Desktop Users", &[Every(5, 0)]),
    named("Engineering Workstations", &[Group("Department Engineering")]),
    numbered("Wi-Fi Corporate", &[Group("Fabrikam All Staff")]),
    named("Wi-Fi Shop Floor", &[Department("Production"), Department("Logistics")]),
    numbered("Print Stuttgart Plant 2", &[Site("Stuttgart")]),
    numbered("Print Milwaukee", &[Site("Milwaukee")]),
    named("File Share Legal Contracts", &[Department("Legal"), Every(67, 9)]),
    named("File Share Board Papers", &[Every(61, 11)]),
    numbered("File Share Engineering Standards", &[Department("Engineering"), Department("Quality")]),
    named("File Share Tooling Lyon", &[Site("Lyon")]),
    named("SQL Reporting Readers", &[Group("Department Finance"), Group("Department Sales")]),
    numbered("SQL Quality Warehouse Writers", &[At("Quality", "Stuttgart"), At("IT", "Stuttgart")]),
    named("Power BI Gateway Users", &[Every(11, 6), CloudOnly(2)]).shows(&["C20"]),
    named("Jenkins Developers", &[Department("IT"), CloudOnly(3), CloudOnly(4), CloudOnly(5)]).shows(&["C20"]),
    named("GitLab Firmware", &[At("Engineering", "Hanoi"), At("IT", "Hanoi")]),
    named("Licence Acrobat", &[Department("Legal"), Department("Sales"), Department("Human Resources")]),
    numbered("Licence Visio", &[Every(13, 8)]),
    named("Payroll Germany", &[At("Human Resources", "Stuttgart"), At("Finance", "Stuttgart")]),
    named("Payroll United States", &[At("Human Resources", "Milwaukee"), At("Finance", "Milwaukee")]),
    named("Travel Approvers", &[Every(41, 10)]).with(STAMPED),
    numbered("EHS Incident Managers", &[Department("EHS")]),
    numbered("Works Council Stuttgart", &[At("Production", "Stuttgart"), At("Logistics", "Stuttgart")]),
    numbered("Fire Wardens Brno", &[At("EHS", "Brno"), At("Maintenance", "Brno")]),
    named("Crisis Team", &[Every(47, 12)]).with(STAMPED),
    named("Kaizen Champions", &[Every(19, 13)]).with(STAMPED),
    named("Équipe Maintenance Lyon", &[At("Maintenance", "Lyon")]),
    named("Qualität, Prüfmittel Stuttgart", &[At("Quality", "Stuttgart")]),
    named("品質保証 大阪", &[At("Quality", "Osaka")]),
    named("Nhóm Bảo trì Hà Nội", &[At("Maintenance", "Hanoi"), At("Production", "Hanoi")]),
    named("Shop Floor Day Shift", &[Badges(46_218)]).shows(&["C18"]),
    // The child that the job's scope forgets; nothing is wrong with it.
    named("Dealer Portal Authors", &[At("Sales", "Milwaukee"), At("Sales", "Lyon")]).with(&[NotInScope]),
];

/// The groups that show what can be wrong.
pub const TROUBLED: &[Row] = &[
    named("Sales Playbook", &[Department("Sales")]).with(&[Microsoft365(None)]).exclude(&["C02"]),
    named("Town Hall Lyon", &[Site("Lyon")])
        .with(&[Microsoft365(Some("universalDistributionGroup"))])
        .exclude(&["C02"]),
    named("Engineering Change Board", &[Every(43, 2)])
        .with(&[Microsoft365(Some("universalSecurityGroup"))])
        .exclude(&["C03"]),
    named("Plant Managers", &[Every(59, 3)])
        .with(&[Microsoft365(Some("universalMailEnabledSecurityGroup"))])
        .exclude(&["C03"]),
    named("Cycling Club", &[Every(17, 4)])
        .with(&[Microsoft365(None), Writeback(Some(false)), NotInAd])
        .exclude(&["C04"]),
    named("Canteen Committee Brno", &[At("Human Resources", "Brno")])
        .with(&[Microsoft365(None), Writeback(Some(false)), NotInAd])
        .exclude(&["C04"]),
    named("Security Operations Alerts", &[At("IT", "Stuttgart")]).with(&[MailEnabledSecurity]).exclude(&["C05"]),
    named("News Distribution", &[Every(9, 1)]).with(&[DistributionList]).exclude(&["C06"]),
    named("Tender Office", &[At("Procurement", "Gdansk")]).with(&[AdMail]).review(&["C07"]),
    numbered("Contractors Gdańsk", &[At("Logistics", "Gdansk")])
        .with(&[Type(GroupType(GroupType::SECURITY | GroupType::GLOBAL))])
        .fix(&["C08"]),
    numbered("Tool Crib Access", &[At("Production", "Milwaukee")])
        .with(&[Type(GroupType(GroupType::SECURITY | GroupType::DOMAIN_LOCAL))])
        .fix(&["C08"]),
    named("Ergonomics Panel", &[At("EHS", "Porto"), At("EHS", "Lyon")])
        .with(&[Type(GroupType::UNIVERSAL_DISTRIBUTION)])
        .fix(&["C09"]),
    named("Temporary Project Access", &[At("IT", "Pune")])
        .with(&[NotInEntra, AdminDescription(None), Cn("Temporary Project Access")])
        .review(&["C10"]),
    named("Batch Job Exceptions", &[At("IT", "Brno")])
        .with(&[NotInEntra, AdminDescription(Some("Group_NoSync")), Cn("Batch Job Exceptions")])
        .review(&["C10"]),
    named("Former Litware Readers", &[At("Engineering", "Porto")])
        .with(&[AdminDescription(Some("TakenOver_Group_{id}")), Writeback(Some(false)), NotInScope])
        .review(&["C10"]),
    numbered("Customer Portal Pilot", &[At("Sales", "Porto")]).with(&[NotInEntra]).review(&["C11"]),
    named("Trade Fair Hannover 2025", &[At("Sales", "Stuttgart")]).with(&[SoftDeleted]).exclude(&["C12"]),
    named("Legacy CRM Readers", &[At("Sales", "Brno")]).with(&[Writeback(Some(false)), NotInScope]).review(&["C13"]),
    named("Warehouse Scanner Pilot", &[At("Logistics", "Pune")]).with(&[Writeback(None), NotInScope]).review(&["C13"]),
    named("Treasury Payments", &[At("Finance", "Stuttgart")]).with(&[Edoi("Group_{other}")]).review(&["C14"]),
    named("Kiosk Browser Users", &[At("Production", "Durban")]).with(&[Copied]).fix(&["C15"]),
    named("Badge Office", &[At("Human Resources", "Lyon")]).with(&[Edoi("User_{other}")]).review(&["C16"]),
    named("Shop Floor Accounts", &[Badges(50_001)]).with(&[NotInScope]).exclude(&["C17"]),
    named("Interim Management", &[NoIdentifier(0), NoIdentifier(1), Every(71, 5)]).fix(&["C21"]),
    named(
        "Litware Integration Team",
        &[OtherForest(0), OtherForest(1), OtherForest(2), OtherForest(3), At("IT", "Lyon")],
    )
    .fix(&["C22"]),
    named("Print Operators Europe", &[At("IT", "Gdansk"), AdGroup("Brno Plant Technicians")]).fix(&["C23"]),
    named("Maintenance On Call", &[Department("Maintenance"), AdGroup("Lift and Crane Crew")]).fix(&["C23"]),
    named("Dealer Portal Editors", &[At("Sales", "Pune"), Group("Dealer Portal Authors")]).fix(&["C24"]),
    named("Field Service Europe", &[At("Maintenance", "Porto"), Group("Field Service Dispatch")]).fix(&["C24"]),
    named("Field Service Dispatch", &[At("Logistics", "Porto")]).with(&[
        Writeback(Some(false)),
        NotInAd,
        NotInScope,
        NotAssessed,
    ]),
    named("Autopilot Build Stations", &[At("IT", "Osaka"), Who::Device, Who::ServicePrincipal, Who::Contact])
        .review(&["C25"]),
    named("Product Launch Core", &[At("Engineering", "Lyon"), Group("Sales Playbook")]).review(&["C26"]),
    named("Export Control Reviewers", &[Department("Legal")]).with(&[Lost(2)]).review(&["C27"]),
    named("Recipe Approvers", &[At("Quality", "Guadalajara")])
        .with(&[Added(&[At("Sales", "Guadalajara")])])
        .review(&["C27"]),
    numbered("Robot Cell Programmers", &[At("Engineering", "Guadalajara")]).with(&[CnNotKept]).fix(&["C28"]),
    numbered("Paint Shop Process", &[At("Production", "Guadalajara")]).with(&[CnNotKept]).fix(&["C28"]),
    named("Continuous Improvement Office", &[Every(73, 6)]).with(&[FormerName("Kaizen Office")]).fix(&["C29"]),
    named("Design Language Team", &[At("Engineering", "Milwaukee")]).with(&[FormerName("Styling")]).fix(&["C29"]),
    named("Gauge Calibration Lab", &[At("Quality", "Brno")]).with(&[Below(super::tenant::APPLICATIONS)]).fix(&["C30"]),
    named("Metrology Remote Access", &[At("Quality", "Hanoi")])
        .with(&[Below(super::tenant::APPLICATIONS)])
        .fix(&["C30"]),
    named("Supplier Quality Portal", &[At("Procurement", "Pune"), At("Quality", "Pune")])
        .with(&[Nickname("SQP-Access")])
        .review(&["C31"]),
    named("Privileged Role Approvers", &[Every(79, 7)]).with(&[RoleAssignable]).review(&["C33"]),
    named("Executive Assistants", &[Every(83, 8)]).with(&[ManagementRestricted]).review(&["C33"]),
    named("Legacy Domain Print Admins", &[At("IT", "Milwaukee")])
        .with(&[Synced, Writeback(None), Cn("Legacy Domain Print Admins"), NotInScope])
        .exclude(&["C34"]),
    named("Warehouse Automation", &[At("Logistics", "Brno")])
        .with(&[CloudManaged, Below(super::tenant::APPLICATIONS), Cn("Warehouse Automation"), NotInScope])
        .exclude(&["C35"]),
    named("Backup Operators Delegates", &[At("IT", "Stuttgart")]).with(&[AdminCount]).fix(&["C36", "C37"]),
    named("Payroll Vault", &[At("Finance", "Lyon")]).with(&[Protected]).fix(&["C36", "C37"]),
    named("Turbine Test Bench", &[At("Engineering", "Durban")]).with(&[AgentDenied]).fix(&["C37"]),
    named("Enterprise Key Admins", &[At("IT", "Stuttgart")])
        .with(&[
            Rid(527),
            AdminCount,
            Below("CN=Users"),
            Cn("Enterprise Key Admins"),
            Nickname("Enterprise-Key-Admins"),
            NotInScope,
        ])
        .exclude(&["C39"]),
    named("Identity Governance Pilot", &[Every(89, 9)]).with(&[Edoi("Group_{id}"), ObjectSoa]).review(&["C40"]),
    named("Energy Dashboard Readers", &[At("EHS", "Stuttgart")]).with(&[NotInAd]).review(&["C41"]),
];

const DOMAIN_LOCAL: i32 = GroupType::SECURITY | GroupType::DOMAIN_LOCAL;
const GLOBAL: i32 = GroupType::SECURITY | GroupType::GLOBAL;
const UNIVERSAL: i32 = GroupType::SECURITY | GroupType::UNIVERSAL;

const fn resource(name: &'static str, members: &'static [Who]) -> AdRow {
    let below = super::tenant::RESOURCES;
    AdRow { name, group_type: DOMAIN_LOCAL, below, members, synced: true, sid: None }
}

pub const AD_ONLY: &[AdRow] = &[
    resource("ACL Finance Archive Modify", &[Group("SAP S4 Finance Users"), Group("Payroll Germany")]),
    resource("ACL Engineering Standards Read", &[Group("File Share Engineering Standards"), Group("PLM Viewers")]),
    resource("ACL Legal Contracts Modify", &[Group("File Share Legal Contracts")]),
    resource("ACL Board Papers Read", &[Group("File Share Board Papers"), Group("Crisis Team")]),
    resource("RDP Engineering Hosts", &[Group("Engineering Workstations"), AdGroup("Brno Plant Technicians")]),
    resource("SQL Reporting Login", &[Group("SQL Reporting Readers")]),
    resource("MES Database Login", &[Group("MES Operators Worldwide"), Group("MES Administrators")]),
    AdRow { group_type: GLOBAL, ..resource("Brno Plant Technicians", &[At("Maintenance", "Brno"), At("IT", "Brno")]) },
    AdRow { group_type: GLOBAL, ..resource("Lift and Crane Crew", &[At("Maintenance", "Gdansk")]) },
    AdRow { group_type: UNIVERSAL, ..resource("Helpdesk Level 2", &[At("IT", "Pune"), At("IT", "Lyon")]) },
    AdRow {
        group_type: GLOBAL,
        below: "CN=Users",
        synced: false,
        sid: Some("512"),
        ..resource("Domain Admins", &[At("IT", "Stuttgart")])
    },
    AdRow {
        group_type: GroupType::SECURITY | GroupType::DOMAIN_LOCAL | GroupType::BUILTIN_LOCAL,
        below: "CN=Builtin",
        synced: false,
        sid: Some("S-1-5-32-551"),
        ..resource("Backup Operators", &[Group("Backup Operators Delegates")])
    },
];
