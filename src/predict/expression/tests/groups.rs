//! The mappings of Entra groups to Active Directory, worked by hand.

use super::*;

pub const CN: &str = r#"Append(Append(Left(Trim([displayName]),51),"_"),Mid([objectId],25,12))"#;
const ID: &str = "objectId=3a5c3221-c465-48c0-95b8-e9305786a271";
const OU: &str = r#"IIF(IsPresent([extension_1_GroupDN]), Replace(Mid(Mid(Replace([extension_1_GroupDN], "\,", , , "\2C", , ), Instr(Replace([extension_1_GroupDN], "\,", , , "\2C", , ), ",", , ), 9999), 2, 9999), "\2C", , , ",", , ), "OU=Default,DC=contoso,DC=com")"#;
const KEPT_CN: &str = r#"IIF(IsPresent([extension_1_GroupDN]), Replace(Replace(Replace(Word(Replace([extension_1_GroupDN], "\,", , , "\2C", , ), 1, ","), "CN=", , , "", , ), "cn=", , , "", , ), "\2C", , , ",", , ), Append(Append(Left(Trim([displayName]), 51), "_"), Mid([objectId], 25, 12)))"#;

#[test]
fn default_cn() {
    let long = "All employees of the Contoso Europe, Middle East and Africa region";
    let spaced = format!("{} B", "A".repeat(50));
    for (id, name, want) in [
        ("H01", "Sales", "Sales_e9305786a271".to_owned()),
        ("H02", "  Sales  ", "Sales_e9305786a271".to_owned()),
        ("H03", "Finance, EU", "Finance, EU_e9305786a271".to_owned()),
        ("H04", long, "All employees of the Contoso Europe, Middle East an_e9305786a271".to_owned()),
        ("H05", &spaced, format!("{} _e9305786a271", "A".repeat(50))),
    ] {
        let name = format!("displayName={name}");
        assert_eq!(shown(CN, &[&name, ID]), want, "{id}");
        assert!(want.chars().count() <= 64);
    }
}

#[test]
fn h06_a_pair_cut_in_half_is_unknown() {
    let x = "x".repeat(50);
    let name = format!("displayName={x}𝒳yz");
    let (candidates, reason) = unknown(CN, &[&name, ID]);
    assert_eq!(candidates, [format!("{x}𝒳_e9305786a271")]);
    assert!(reason.contains("in half"), "{reason}");
    // Not near the cut, the pair makes no difference; in the middle, it moves the cut.
    assert_eq!(shown(CN, &["displayName=Team 🎉", ID]), "Team 🎉_e9305786a271");
    let name = format!("displayName=𝒳{}", "y".repeat(60));
    let (candidates, _) = unknown(CN, &[&name, ID]);
    assert_eq!(candidates.len(), 2);
}

#[test]
fn h07_h09_nothing_through_trim() {
    let (candidates, reason) = unknown(CN, &["displayName", ID]);
    assert_eq!(candidates, ["_e9305786a271", "<Null>"]);
    assert!(reason.contains("Trim"), "{reason}");
    let description = "Left(Trim([description]),448)";
    assert_eq!(unknown(description, &["description"]).0, ["", "<Null>"]);
    let text = format!("description={}", "d".repeat(450));
    assert_eq!(shown(description, &[&text]).len(), 448);
    assert_eq!(shown(description, &["description= x "]), "x");
}

#[test]
fn h08_the_name_that_connect_wrote() {
    let want = "Group_3a5c3221-c465-48c0-95b8-e9305786a271";
    assert_eq!(shown(r#"Append("Group_",[objectId])"#, &[ID]), want);
    assert_eq!(shown(r#"Append("Group_",[ObjectID])"#, &[ID]), want);
}

#[test]
fn container_by_switch() {
    let switch = r#"Switch([displayName],"OU=Default,OU=container,DC=contoso,DC=com","Marketing","OU=Marketing,OU=container,DC=contoso,DC=com","Sales","OU=Sales,OU=container,DC=contoso,DC=com")"#;
    for (id, name, want) in [
        ("H10", "Marketing", "OU=Marketing,OU=container,DC=contoso,DC=com"),
        ("H11", "Sales", "OU=Sales,OU=container,DC=contoso,DC=com"),
        ("H12", "sales", "OU=Default,OU=container,DC=contoso,DC=com"),
        ("H12", "Sales EU", "OU=Default,OU=container,DC=contoso,DC=com"),
        ("H12", "Sales ", "OU=Default,OU=container,DC=contoso,DC=com"),
    ] {
        assert_eq!(shown(switch, &[&format!("displayName={name}")]), want, "{id}");
    }
    // H13: the known fault stands beside the prediction.
    assert!(parse(switch).unwrap().notes().iter().any(|note| note.message.contains("fault")));
    let without = r#"Switch([displayName],,"Sales","OU=Sales,DC=contoso,DC=com")"#;
    assert!(parse(without).unwrap().notes().is_empty());
}

#[test]
fn kept_name_and_container() {
    for (id, dn, ou, cn) in [
        ("H20", r"CN=Finance,OU=Groups,OU=Corp,DC=contoso,DC=com", "OU=Groups,OU=Corp,DC=contoso,DC=com", "Finance"),
        (
            "H21",
            r"CN=Group_3a5c3221-c465-48c0-95b8-e9305786a271,OU=GroupWriteback,DC=contoso,DC=com",
            "OU=GroupWriteback,DC=contoso,DC=com",
            "Group_3a5c3221-c465-48c0-95b8-e9305786a271",
        ),
        (
            "H22",
            r"CN=Finance\, EU,OU=Groups,OU=Corp,DC=contoso,DC=com",
            "OU=Groups,OU=Corp,DC=contoso,DC=com",
            "Finance, EU",
        ),
        ("H23", r"CN=Payroll,OU=R\, D,DC=contoso,DC=com", "OU=R, D,DC=contoso,DC=com", "Payroll"),
        ("H24", r"CN=R\+D,OU=Groups,DC=contoso,DC=com", "OU=Groups,DC=contoso,DC=com", r"R\+D"),
        ("H25", r"CN=Temp\\,OU=Groups,DC=contoso,DC=com", "DC=contoso,DC=com", r"Temp\,OU=Groups"),
        ("H26", r"cn=lower,ou=groups,dc=contoso,dc=com", "ou=groups,dc=contoso,dc=com", "lower"),
        ("H27", r"Cn=Mixed,OU=Groups,DC=contoso,DC=com", "OU=Groups,DC=contoso,DC=com", "Cn=Mixed"),
        ("H28", r"CN=App cn=legacy,OU=G,DC=contoso,DC=com", "OU=G,DC=contoso,DC=com", "App legacy"),
        // A pair moves the position and the length alike: consistent readings agree.
        ("H20", r"CN=Team 🎉,OU=Groups,DC=contoso,DC=com", "OU=Groups,DC=contoso,DC=com", "Team 🎉"),
    ] {
        let source = format!("extension_1_GroupDN={dn}");
        let object = [source.as_str(), "displayName=Sales", ID];
        assert_eq!(shown(OU, &object), ou, "{id} ou");
        assert_eq!(shown(KEPT_CN, &object), cn, "{id} cn");
    }
    for special in ["\"", "\\", "<", ">", ";", "=", "#"] {
        let source = format!("extension_1_GroupDN=CN=a\\{special}b,OU=G,DC=x");
        assert_eq!(shown(KEPT_CN, &[&source]), format!("a\\{special}b"), "H24 {special}");
    }
}

#[test]
fn h29_no_comma() {
    let source = "extension_1_GroupDN=CN=Finance";
    assert_eq!(shown(KEPT_CN, &[source, "displayName=Sales", ID]), "Finance");
    let (candidates, reason) = unknown(OU, &[source]);
    assert!(candidates.is_empty() && reason.contains("Mid"), "{candidates:?} {reason}");
}

#[test]
fn h30_no_kept_name() {
    for source in ["extension_1_GroupDN", "extension_1_GroupDN="] {
        let object = [source, "displayName=Sales", ID];
        let (candidates, reason) = unknown(KEPT_CN, &object);
        assert_eq!(candidates, ["Sales_e9305786a271", "<Null>"]);
        assert!(reason.contains("extension_1_GroupDN"), "{reason}");
        assert_eq!(unknown(OU, &object).0, ["OU=Default,DC=contoso,DC=com", "<Null>"]);
    }
}

#[test]
fn h31_a_lone_backslash_is_kept_and_noted() {
    let expr = parse(r#"Replace([x], "\,", , , "\2C", , )"#).unwrap();
    assert_eq!(expr.notes().iter().map(|note| note.column).collect::<Vec<_>>(), [15, 25]);
    assert_eq!(evaluate(&expr, &object(&[r"x=a\,b,c"])), Outcome::Value(r"a\2Cb,c".into()));
}

#[test]
fn names_of_users() {
    let upn = r#"Left(Item(Split([userPrincipalName], "@"), 1), 15)"#;
    assert_eq!(shown(upn, &["userPrincipalName=a.very.long.name.of.somebody@contoso.com"]), "a.very.long.nam");
    assert_eq!(shown("Not([accountEnabled])", &["accountEnabled=True"]), "False");
    let with_domain = r#"Append(Item(Split([upn], "@"), 1), Append("@", %DomainFQDN%))"#;
    assert!(unknown(with_domain, &["upn=joe@contoso.com"]).1.contains("DomainFQDN"));
}
