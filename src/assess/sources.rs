//! The sources that rules, gates and checks cite: Microsoft's public documentation, by key.

/// Key and what it stands for.
pub const SOURCES: [(&str, &str); 32] = [
    ("ACC", "Microsoft Learn: Connect, configure the AD DS connector account's permissions (2026)"),
    ("CFG26", "Microsoft Learn: Provision Microsoft Entra ID to Active Directory, configuration (2026-08)"),
    ("CVH", "Microsoft Learn: Microsoft Entra Connect, version release history"),
    ("DEL", "Microsoft Learn: Cloud Sync, accidental deletes (2025-04)"),
    ("DEP26", "Microsoft Learn: Deployment options for provisioning to Active Directory (2026-08)"),
    ("ELM", "Microsoft Learn: Entitlement management and group writeback (2024-07)"),
    ("ENF26", "Microsoft Learn: Active Directory object enforcement (2026-08)"),
    ("ERR26", "Microsoft Learn: Cloud Sync error codes (2026-08)"),
    ("FAQ26", "Microsoft Learn: Provisioning to Active Directory, frequently asked questions (2026-08)"),
    ("GMSA", "Microsoft Learn: Cloud Sync gMSA cmdlets (2025-04)"),
    ("GOV26", "Microsoft Learn: Govern on-premises groups (2025-09)"),
    ("GPADT", "GpadTools, README (PowerShell Gallery, unsupported; 2024-2025)"),
    ("GPOS", "Microsoft Graph v1.0: provisioningObjectSummary resource"),
    ("GRP26", "Microsoft Graph v1.0: group resource (2026-06)"),
    ("GSYNC", "Microsoft Graph v1.0: synchronization resources (2024)"),
    ("GWB1", "Microsoft Learn: Enable group writeback (V1) in Microsoft Entra Connect (2025-04)"),
    ("GWB2", "Microsoft Learn: Group writeback V2 (2023-01, with its deprecation notice)"),
    ("IMPEXP", "Microsoft Learn: Connect, import and export configuration settings (2025-04)"),
    ("MAP25", "Microsoft Learn: Attribute mapping from Microsoft Entra ID to Active Directory (2025-04)"),
    ("MIG26", "Microsoft Learn: Migrate group writeback V2 to Cloud Sync (newest)"),
    ("MOD", "Microsoft Learn: Modify group writeback default behaviour (2024-12)"),
    ("OVW26", "Microsoft Learn: Overview of provisioning to Active Directory (2026-08)"),
    ("PORTAL", "Microsoft Learn: Group writeback in the portal (2024-12)"),
    ("PRE25", "Microsoft Learn: Provisioning to Active Directory, prerequisites (2025-07)"),
    ("PRE26", "Microsoft Learn: Provisioning to Active Directory, prerequisites (2026-08)"),
    ("PREM26", "Microsoft Learn: Cloud Sync, prerequisites (2026-07)"),
    ("SOAC", "Microsoft Learn: Configure group source of authority (2025-10)"),
    ("SOAG", "Microsoft Learn: Group source of authority, guidance (2026-08)"),
    ("STG", "Microsoft Learn: Connect, staging server (2024-12)"),
    ("TOOL26", "Microsoft Learn: Connect Sync to Cloud Sync migration tool (2026-09)"),
    ("TOPO", "Microsoft Learn: Cloud Sync, supported topologies (2025-04)"),
    ("WORKS26", "Microsoft Learn: How provisioning to Active Directory works (2026-08)"),
];

pub fn title(key: &str) -> Option<&'static str> {
    SOURCES.iter().find(|(k, _)| *k == key).map(|(_, t)| *t)
}
