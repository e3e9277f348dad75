//! The mapper by itself: what stays, what goes, and that nothing makes it panic.

use super::key::Key;
use super::text::Mapper;
use crate::directory::{AnchorText, Dn, ObjectGuid, same_dn};
use proptest::prelude::*;

const ID: &str = "3a5c3221-c465-48c0-95b8-e9305786a271";

fn mapper() -> Mapper {
    let mut mapper = Mapper::new(Key::fixed(5));
    mapper.add_id(ObjectGuid::parse(ID).unwrap());
    mapper.add_person("CN=Anna Schmidt,OU=People,DC=contoso,DC=com");
    mapper
}

/// What the default mapping makes of a name and an id.
fn default_cn(name: &str, id: &str) -> String {
    format!("{}_{}", name.trim().chars().take(51).collect::<String>(), &id[24..])
}

#[test]
fn names_made_by_the_default_mapping_stay_so() {
    let mut m = mapper();
    let id = m.value(ID);
    for name in [
        "Sales",
        "SG-Sales EU (Köln)",
        "A committee of exceedingly long-winded administrators of records",
        "  padded  ",
        "营业部 Verkauf",
        "x",
        "Anna Schmidt",
        "ÄÖÜ Größe",
    ] {
        let (new, cn) = (m.value(name), m.value(&default_cn(name, ID)));
        assert_eq!(cn, default_cn(&new, &id), "{name}");
        assert_ne!(new.to_lowercase(), name.to_lowercase());
        assert_eq!(m.value(&name.to_lowercase()), new.to_lowercase(), "{name}");
    }
}

#[test]
fn anchors_keep_their_class_and_case() {
    let mut m = mapper();
    let new = m.value(ID);
    for (text, want) in [
        (format!("Group_{ID}"), format!("Group_{new}")),
        (format!("Group_{}", ID.to_uppercase()), format!("Group_{}", new.to_uppercase())),
        (format!("TakenOver_Group_{ID}"), format!("TakenOver_Group_{new}")),
        (format!("User_{ID}"), format!("User_{new}")),
        (format!("Group_{{{ID}}}"), format!("Group_{{{new}}}")),
        (format!("Group_{ID} "), format!("Group_{new} ")),
        (ID.replace('-', ""), new.replace('-', "")),
    ] {
        assert_eq!(m.value(&text), want);
    }
    for text in
        ["Group_NoSync", "group_NoSync", "Something else", "Group_", "", " ", "Group_3a5c3221c46548c095b8e9305786a271"]
    {
        let class = |t: &str| std::mem::discriminant(&AnchorText::read(Some(t)));
        assert_eq!(class(&m.value(text)), class(text), "{text:?} {:?}", m.value(text));
    }
    assert_eq!(m.value("GROUP_nosync").to_lowercase(), m.value("Group_NoSync").to_lowercase());
}

#[test]
fn distinguished_names_keep_their_build() {
    let mut m = mapper();
    for (dn, kept) in [
        ("CN=Finance\\, EU,OU=Groups,DC=contoso,DC=com", ",OU=Groups,DC="),
        ("CN=Finance\\2C EU,CN=Users,DC=contoso,DC=com", "\\2C "),
        ("CN=R\\+D, OU=a b ,DC=contoso,DC=com", "\\+"),
        ("CN=\\C3\\BCber,CN=System,DC=x", ",CN=System,DC="),
        ("CN=\"a,b\",DC=x", ",DC="),
        ("CN=Temp\\\\,OU=x,DC=y", "\\\\,OU="),
        ("CN=S-1-5-21-1-2-3-1105,CN=ForeignSecurityPrincipals,DC=x,DC=com", ",CN=ForeignSecurityPrincipals,DC="),
        ("CN=Old\\0ADEL:3a5c3221-c465-48c0-95b8-e9305786a271,CN=Deleted Objects,DC=x", "CN=Deleted Objects"),
        ("CN=S-1-5-32-544,DC=x", "CN=S-1-5-32-544,"),
        ("OID.2.5.4.3=q,dc=x", "OID.2.5.4.3="),
    ] {
        let new = m.dn(dn);
        let (a, b) = (Dn::parse(dn).unwrap(), Dn::parse(&new).unwrap_or_else(|e| panic!("{new}: {e}")));
        let types = |d: &Dn| d.rdns().iter().map(|r| r.attribute().to_owned()).collect::<Vec<_>>();
        assert_eq!(types(&a), types(&b), "{new}");
        assert!(new.contains(kept), "{dn} {new}");
        assert!(!same_dn(dn, &new) || dn.starts_with("CN=S-1-5-32"), "{new}");
    }
    // The same name in another spelling stays the same name.
    assert!(same_dn(&m.dn("CN=Finance\\, EU,DC=x"), &m.dn("cn=finance\\2c eu,dc=X")));
    assert!(same_dn(&m.dn("CN=\\C3\\BCber,DC=x"), &m.dn("CN=Über,DC=x")));
    for text in ["Corp", "CN=a,,DC=x", "CN=a\\q", "CN=a<b"] {
        let new = m.dn(text);
        assert!(Dn::parse(&new).is_err(), "{new}");
    }
    // Constants of expressions that are part of a name.
    let part = m.text(",OU=Sales,DC=contoso,DC=com");
    assert_eq!(
        format!("CN=x{part}").to_lowercase(),
        format!("CN=x,{}", m.dn("OU=Sales,DC=contoso,DC=com")).to_lowercase()
    );
    let domain = m.host("dc1.contoso.com");
    assert!(m.dn("DC=contoso,DC=com").starts_with(&format!("DC={},", domain.split('.').nth(1).unwrap())));
}

#[test]
fn expressions_keep_their_sense() {
    let mut m = mapper();
    for kept in [
        r#"Append(Append(Left(Trim([displayName]),51),"_"),Mid([objectId],25,12))"#,
        r#"Append("Group_",[objectId])"#,
        r#"IIF(IsPresent([mail]), "True", "")"#,
        r#"Replace([displayName], , "[^a-z0-9_]+", , "", , )"#,
        r#"Replace([displayName], "\,", , , "\2C", , )"#,
        r#"IIF((InStr([reasonFiltered], "SoftDelete") > 0), "DeleteThisGroupInAD", [reasonFiltered])"#,
        "%DomainFQDN%",
    ] {
        assert_eq!(m.expression(kept), kept);
    }
    let ou = m.dn("OU=Sales\\, EU,DC=contoso,DC=com");
    assert_eq!(
        m.expression(r#"Switch([displayName],"OU=Sales\\, EU,DC=contoso,DC=com","Sales","x")"#),
        format!("Switch([displayName],\"{}\",\"{}\",\"{}\")", ou.replace('\\', "\\\\"), m.value("Sales"), m.value("x"))
    );
    for (text, gone) in [
        (r#"Append("Contoso\"s",[contosoCode])"#, "ontoso"),
        (r#"[extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN]"#, "0f1e2d"),
        (r#"Contoso("unclosed"#, "nclosed"),
        (r#"Replace([displayName],,"^(?<contoso>Contoso|\d+)$",,"$1",,)"#, "ontoso"),
        (r#"REGEX "[Contoso]""#, "ontoso"),
        ("OU=Contoso", "ontoso"),
    ] {
        let new = m.expression(text);
        assert!(!new.contains(gone), "{new}");
        assert_eq!(new.chars().count(), text.chars().count(), "{new}");
    }
    assert!(m.expression("[extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN]").ends_with("_GroupDN]"));
    let (a, b) = (
        m.attribute("extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_Code"),
        m.attribute("extension_0F1E2D3C4B5A69788796A5B4C3D2E1F0_code"),
    );
    assert!(a.eq_ignore_ascii_case(&b), "{a} {b}");
}

#[test]
fn names_are_parted_where_mappings_part_them() {
    for (expression, cuts) in [
        ("Append(Left(Trim([displayName]), 20), Mid([objectId],25,12))", vec![20, 51]),
        ("left( Replace([displayName], \",)(\", , , \"\", , , ), 7 )", vec![7, 51]),
        ("Left([a],Len([b]))", vec![51]),
        ("Left([a", vec![51]),
    ] {
        let mut m = mapper();
        m.add_cuts(expression);
        assert_eq!(m.cuts.iter().copied().collect::<Vec<_>>(), cuts, "{expression}");
    }
    let mut m = mapper();
    m.add_cuts("Left([displayName],7)");
    let (new, head) = (m.value("Marketing Europe"), m.value("Marketi"));
    assert!(new.starts_with(&head) && new.len() == 16, "{new} {head}");
    // What is after the cut hangs on what is before it.
    assert_ne!(m.value("Marketing")[7..], m.value("Xarketing")[7..]);
    // Domains are the same wherever they stand.
    let domain = m.host("contoso.example");
    assert!(
        m.dn("OU=x,DC=contoso,DC=example")
            .ends_with(&domain.split('.').map(|d| format!("DC={d}")).collect::<Vec<_>>().join(","))
    );
}

#[test]
fn people_go_as_a_whole() {
    let mut m = mapper();
    let new = m.dn("CN=Anna Schmidt,OU=x,DC=y");
    assert!(!new.contains(' '), "{new}");
    assert_eq!(
        m.dn("cn=ANNA SCHMIDT,OU=x,DC=y").split(',').next().unwrap().to_lowercase(),
        new.split(',').next().unwrap().to_lowercase()
    );
    assert!(m.person("sync01$").ends_with('$'));
    m.add_shared("Anna Schmidt_x");
    assert!(m.value("Anna Schmidt").contains(' '));
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::string::string_regex("[ -~äöüß中𝒳\\x01\\n]{0,10}").unwrap(),
        Just(format!("Group_{ID}")),
        Just("CN=".to_owned()),
        Just(",OU=".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        Just("[".to_owned()),
        Just("(?<".to_owned()),
        Just("S-1-5-21-1-2-3-4-5".to_owned()),
        Just("_e9305786a271".to_owned()),
    ]
}

proptest! {
    #[test]
    fn nothing_panics_and_no_name_becomes_one(pieces in proptest::collection::vec(piece(), 0..8)) {
        let text = pieces.concat();
        let mut m = mapper();
        m.add_cuts(&text);
        let _ = (m.value(&text), m.expression(&text), m.pattern(&text), m.attribute(&text), m.literal(&text), m.number(&text));
        let new = m.dn(&text);
        if let Ok(dn) = Dn::parse(&text) {
            let types = ["CN", "OU", "DC"];
            // Attributes beyond those that a directory names objects by are text like any other.
            if dn.rdns().iter().all(|r| types.contains(&r.attribute())) {
                prop_assert_eq!(Dn::parse(&new).map(|d| d.rdns().len()), Ok(dn.rdns().len()), "{} {}", text, new);
            }
        }
    }
    #[test]
    fn within_stays_within(a in "[A-Za-z]{1,8}", b in "[A-Za-z ,+]{1,8}", c in "[a-z]{1,5}") {
        let mut m = mapper();
        let parent = Dn::parse(&format!("DC={c}")).unwrap().child(crate::directory::Rdn::new("OU", &b));
        let child = parent.child(crate::directory::Rdn::new("CN", &a));
        let (p, q) = (m.dn(&parent.to_string()), m.dn(&child.to_string()));
        prop_assert!(Dn::parse(&q).unwrap().is_within(&Dn::parse(&p).unwrap()));
        prop_assert_eq!(Dn::parse(&q).unwrap().parent(), Some(Dn::parse(&p).unwrap()));
    }
}
