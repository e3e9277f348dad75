//! What the documentation leaves open is unknown, with its readings, and only where the result depends on it.

use super::*;

/// An object of which nothing is known but a name.
struct Sparse;

impl Attributes for Sparse {
    fn get(&self, name: &str) -> Attr {
        match name {
            "displayName" => Attr::Value("Sales".into()),
            _ => Attr::Unknown("not collected".to_owned()),
        }
    }
    fn service(&self, name: &str) -> Attr {
        match name {
            "DomainFQDN" => Attr::Value("contoso.com".into()),
            "DefaultDomain" => Attr::Absent,
            _ => Attr::Unknown("no such token".to_owned()),
        }
    }
}

fn sparse(expression: &str) -> Outcome {
    evaluate(&parse(expression).unwrap(), &Sparse)
}

#[test]
fn each_point_where_it_decides_and_where_it_does_not() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (r#"IIF([a]="USA","y","n")"#, &["a=usa"], &["n", "y"]),
        (r#"IIF([a]<>"USA","y","n")"#, &["a"], &["y", "n", "<Null>"]),
        (r#"InStr([a],"sales")"#, &["a=Sales"], &["0", "1"]),
        (r#"Word("a,,b",2,",")"#, &[], &["b", ""]),
        (r#"Split("a,,b",",")"#, &[], &["[a, , b]", "[a, b]"]),
        (r#"Split("a::b:c","::")"#, &[], &["[a, b:c]", "[a, , b, c]", "[a, b, c]"]),
        (r#"Trim("	x")"#, &[], &["x", "\tx"]),
        ("Append([a],[b])", &["a=x", "b"], &["<Null>", "x"]),
        (r#"Join("-",[a],[b])"#, &["a=x", "b"], &["x", "<Null>"]),
        ("IsPresent([a])", &["a=  "], &["True", "False"]),
        (r#"Switch([a],,"1","x","1","y")"#, &["a=1"], &["x", "y"]),
        ("Not([a])", &["a=true"], &["True", "False"]),
        ("RemoveDuplicates([a])", &["a=x|X"], &["[x, X]", "[x]"]),
        (r#"Mid("abc",4,1)"#, &[], &["", "<Null>"]),
        ("Count([a])", &["a"], &["0", "<Null>"]),
        (r#"CBool([a]<>"x")"#, &["a"], &["True", "False"]),
        (r#"DateDiff("m", "2021-01-31", "2021-02-01")"#, &[], &["1", "0"]),
        (r#"FormatDateTime("2020-01-01+02:00", "yyyy-MM-ddzzz", "yyyy-MM-dd")"#, &[], &["2019-12-31", "2020-01-01"]),
        (r#"Replace("aXbX", , "(?<g>X)", "g", "-", , )"#, &[], &["a-bX", "a-b-"]),
        (r#"Replace([a], , "(?<g>\\d+)", "g", , [b], )"#, &["a=x1", "b=2"], &["x1", "x2"]),
        (r#"NormalizeDiacritics("й")"#, &[], &["и", "й"]),
        (r#"NormalizeDiacritics("đ")"#, &[], &["đ"]),
        (r#"Item([a],1)"#, &["a=x"], &["x"]),
        (r#"("x")"#, &[], &["x"]),
        (r#""x" & [a]"#, &["a=y"], &["xy"]),
        (r#"ToLower("İ")"#, &[], &["İ"]),
    ];
    for (expression, attributes, want) in cases {
        assert_eq!(&unknown(expression, attributes).0, want, "{expression}");
    }
    for (expression, attributes, want) in [
        (r#"IIF([a]="USA","y","y")"#, &["a=usa"][..], "y"),
        (r#"InStr("sales","sales")"#, &[], "1"),
        (r#"Word("a,,b",1,",")"#, &[], "a"),
        (r#"IIF(Len([a])>3,"long",Switch([b],"same","x","same"))"#, &["a=ab", "b=z"], "same"),
    ] {
        assert_eq!(shown(expression, attributes), want, "{expression}");
    }
    // Both readings of Append give the empty text through Left; that nothing comes at all stays open.
    assert_eq!(unknown(r#"Left(Append([a],""),3)"#, &["a"]).0, ["", "<Null>"]);
}

#[test]
fn unpredictable_and_undocumented() {
    for (expression, named) in [
        ("Guid()", "Guid"),
        ("Now()", "Now"),
        ("RandomString(8,1,1,1,1)", "RandomString"),
        ("SingleAppRoleAssignment([appRoleAssignments])", "SingleAppRoleAssignment"),
        ("AppRoleAssignmentsComplex([appRoleAssignments])", "AppRoleAssignmentsComplex"),
        (r#"Contains([a],"x")"#, "Contains"),
        (r#"Reverse([a])"#, "Reverse"),
        (r#"Append("x",NULL)"#, "NULL"),
        (r#"Replace([a],"x","y","z",,,)"#, "Replace"),
        (r#"Replace([a],,"a*+",,"z",,)"#, "quantifier"),
        (r#"Left(,3)"#, "argument 1 of Left"),
        (r#"Switch(IsPresent([a]),"n","True","y")"#, "IsPresent"),
        (r#"Append("x",IgnoreFlowIfNullOrEmpty([b]))"#, "IgnoreFlowIfNullOrEmpty"),
        (r#"Append([a],%Forest%)"#, "Forest"),
        (r#"Mid([a],0,1)"#, "Mid"),
        (r#"IIF([a]<"y","1","2")"#, "compare"),
        (r#"Left([m],1)"#, "several values"),
    ] {
        let (_, reason) = unknown(expression, &["a=x", "b", "m=1|2"]);
        assert!(reason.contains(named), "{expression}: {reason}");
    }
}

#[test]
fn an_attribute_that_was_not_collected() {
    assert_eq!(sparse("[displayName]"), Outcome::Value("Sales".into()));
    let Outcome::Unknown { candidates, reason } = sparse("Append([displayName],[objectId])") else { panic!() };
    assert!(candidates.is_empty() && reason == "[objectId]: not collected", "{reason}");
    let Outcome::Unknown { candidates, .. } = sparse(r#"IIF(IsPresent([mail]),[mail],[displayName])"#) else {
        panic!()
    };
    assert_eq!(candidates, [Value::str("Sales"), Value::Null]);
    // The branch not taken may be unknown.
    assert_eq!(sparse(r#"IIF([displayName]="Sales","x",[mail])"#), Outcome::Value("x".into()));
    assert_eq!(sparse(r#"Append("a@",%DomainFQDN%)"#), Outcome::Value("a@contoso.com".into()));
    assert!(matches!(sparse("DefaultDomain()"), Outcome::Error(_)));
}

#[test]
fn many_open_points_end() {
    let mut expression = "Trim([a])".to_owned();
    for i in 0..40 {
        expression = format!("IIF([missing{i}]=\"x\",{expression},InStr(\"A\",\"a\"))");
    }
    let (candidates, _) = unknown(&expression, &[]);
    assert!(candidates.len() <= 8);
}
