//! Inputs and outputs that the documentation prints, and rules that it states without a sample.

use super::*;

#[test]
fn documented_samples() {
    let phone =
        r#"Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber" , , [mobile], )"#;
    let cities = r#"Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")"#;
    let flag = r#"Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")"#;
    let empty_key = r#"Switch([statusFlag], "Default Value", "true", "1", "", "0")"#;
    let address = r#"ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".", [PreferredFirstName], [PreferredLastName]))), "contoso.com"))"#;
    let both = r#"IIF([country]="USA",IIF([state]="CA","True","False"),"False")"#;
    let one = r#"IIF([country]="USA","True",IIF([state]="CA","True","False"))"#;
    let short = r#"IIF(Len([LastName]) <= 5, Left(Join ("",[LastName],[FirstName]),10), Join("", Mid([LastName],1,9), Mid([FirstName],1,1)))"#;
    let mails = r#"Split(Join(",", Append("smtp:", Join("@", NormalizeDiacritics(StripSpaces(Join(".", [givenName], [surname]))), "contoso.onmicrosoft.com")), Append("SMTP:", Join("@", NormalizeDiacritics(StripSpaces(Join(".", [givenName], [surname]))), "contoso.com"))), ",")"#;
    let john = &["givenName=John", "surname=Doe"][..];
    let cases: &[(&str, &str, &[&str], &str)] = &[
        (
            "V01",
            r#"Append([userPrincipalName], ".test")"#,
            &["userPrincipalName=John.Doe@contoso.com"],
            "John.Doe@contoso.com.test",
        ),
        ("V02", "BitAnd(&HF, &HF7)", &[], "7"),
        ("V03", r#"ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA")"#, &[], "Hello world!"),
        ("V04", r#"ConvertFromBase64("SGVsbG8gd29ybGQh", UTF8)"#, &[], "Hello world!"),
        ("V05", r#"ConvertToBase64("Hello world!")"#, &[], "SABlAGwAbABvACAAdwBvAHIAbABkACEA"),
        ("V06", r#"ConvertToUTF8Hex("Hello world!")"#, &[], "48656C6C6F20776F726C6421"),
        ("V07", "DateFromNum(129699324000000000)", &[], "1/1/2012 11:00:00 PM"),
        ("V08", "DNComponent(CRef([dn]),1)", &["dn=cn=Joe,ou=People,dc=contoso,dc=com"], "Joe"),
        ("V09", "CStr([dn])", &["dn=cn=Joe,dc=contoso,dc=com"], "cn=Joe,dc=contoso,dc=com"),
        ("V10", r#"InStr("The quick brown fox","quick")"#, &[], "5"),
        ("V11", r#"InStr("repEated","e",3,vbBinaryCompare)"#, &[], "7"),
        ("V12", r#"Left("John Doe", 3)"#, &[], "Joh"),
        ("V13", r#"Trim(" Test ")"#, &[], "Test"),
        ("V14", r#"Word("The quick brown fox",3," ")"#, &[], "brown"),
        ("V15", r#"Word("This,string!has&many separators",3,",!&#")"#, &[], "has"),
        (
            "V16",
            r#"Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )"#,
            &["telephoneNumber=+91 9998887777"],
            "9998887777",
        ),
        ("V17", phone, &["telephoneNumber=", "mobile=+91 8887779999"], "8887779999"),
        ("V18", r#"Replace([mail], "@contoso.com", , ,"", ,)"#, &["mail=john.doe@contoso.com"], "john.doe"),
        ("V19", r#"Replace([mailNickname], , "[a-zA-Z_]*", , "", , )"#, &["mailNickname=john_doe72"], "72"),
        (
            "V20",
            r#"Replace([BusinessTitle],"Product Developer", , , "Software Engineer", , )"#,
            &["BusinessTitle=Product Developer"],
            "Software Engineer",
        ),
        (
            "V21",
            r#"Replace([UserID],"<username>", , , , , "<username>@contoso.com")"#,
            &["UserID=jsmith"],
            "jsmith@contoso.com",
        ),
        (
            "V22",
            r#"Replace([AddressLineData], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )"#,
            &["AddressLineData=545 Tremont Street"],
            "888 Tremont Street",
        ),
        (
            "V23",
            r#"Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )"#,
            &["userPrincipalName=jsmith@contoso.com"],
            "jsmith",
        ),
        ("V24", r#"Join(", ", "", [surname], [givenName])"#, john, "Doe, John"),
        ("V26", "Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))", john, "JohDoe"),
        ("V27", "NormalizeDiacritics([givenName])", &["givenName=Zoë"], "Zoe"),
        (
            "V28",
            r#"FormatDateTime([extensionAttribute1], "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            &["extensionAttribute1=20150123105347.1Z"],
            "2015-01-23",
        ),
        (
            "V29",
            r#"FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            &["extensionAttribute1=20150123105347.1Z"],
            "2015-01-23",
        ),
        ("V30", cities, &["state=QLD"], "Australia/Brisbane"),
        ("V31", flag, &["statusFlag=True"], "1"),
        ("V31", flag, &["statusFlag=true"], "1"),
        ("V31", flag, &["statusFlag=TRUE"], "1"),
        ("V32", empty_key, &["statusFlag="], "0"),
        ("V33", r#"Switch([country], [country], "", "Other")"#, &["country=US"], "US"),
        ("V33", r#"Switch([country], [country], "", "Other")"#, &["country="], "Other"),
        ("V33", r#"Switch([country], [country], "", "Other")"#, &["country"], "Other"),
        ("V34", address, &["PreferredFirstName=John", "PreferredLastName=Smith"], "john.smith@contoso.com"),
        (
            "V36",
            "Coalesce([mail],[userPrincipalName])",
            &["userPrincipalName=John.Doe@contoso.com"],
            "John.Doe@contoso.com",
        ),
        (
            "V37",
            r#"IIF([employeeType]="Intern","t-" & [alias],[alias])"#,
            &["employeeType=Intern", "alias=bsimon"],
            "t-bsimon",
        ),
        (
            "V37",
            r#"IIF([employeeType]="Intern","t-" & [alias],[alias])"#,
            &["employeeType=Employee", "alias=bsimon"],
            "bsimon",
        ),
        ("V38", r#"IIF([country]="USA",[country],[department])"#, &["country=USA", "department=Sales"], "USA"),
        ("V38", r#"IIF([country]="USA",[country],[department])"#, &["country=UK", "department=Sales"], "Sales"),
        ("V38", both, &["country=USA", "state=CA"], "True"),
        ("V38", both, &["country=USA", "state=NY"], "False"),
        ("V38", both, &["country=UK", "state=CA"], "False"),
        ("V38", one, &["country=USA", "state=NY"], "True"),
        ("V38", one, &["country=UK", "state=CA"], "True"),
        ("V38", one, &["country=UK", "state=NY"], "False"),
        ("V39", "Item([proxyAddresses], 1)", &["proxyAddresses=SMTP:a@x.com|smtp:b@x.com"], "SMTP:a@x.com"),
        ("V40", r#"Len("John Doe")"#, &[], "8"),
        ("V40", "Len(42568)", &[], "5"),
        ("V40", "Len(42568.75)", &[], "8"),
        ("V41", short, &["FirstName=John", "LastName=Smith"], "SmithJohn"),
        ("V41", short, &["FirstName=John", "LastName=Parker"], "ParkerJ"),
        ("V42", "PCase([firstName])", &["firstName=PABLO GONSALVES (SECOND)"], "Pablo Gonsalves (Second)"),
        ("V42", r#"PCase([lastName]," '-")"#, &["lastName=PINTO-DE'SILVA"], "Pinto-De'Silva"),
        (
            "V42",
            r#"PCase(Join(" ",[firstName],[lastName]))"#,
            &["firstName=GREGORY", "lastName=JAMES"],
            "Gregory James",
        ),
        ("V43", r#"CDate("2020-03-16-07:00")"#, &[], "3/16/2020 7:00:00 AM"),
        ("V43", r#"CDate("2021-06-30+08:00")"#, &[], "6/29/2021 4:00:00 PM"),
        ("V43", r#"CDate("2009-06-15T01:45:30-07:00")"#, &[], "6/15/2009 8:45:30 AM"),
        ("V44", r#"DateAdd("d", 7, CDate("2012-03-16-07:00"))"#, &[], "3/23/2012 7:00:00 AM"),
        ("V44", r#"DateAdd("d", -10, CDate("2012-03-16-07:00"))"#, &[], "3/6/2012 7:00:00 AM"),
        ("V44", r#"DateAdd("ww", 2, CDate("2012-03-16-07:00"))"#, &[], "3/30/2012 7:00:00 AM"),
        ("V44", r#"DateAdd("m", 10, CDate("2012-03-16-07:00"))"#, &[], "1/16/2013 7:00:00 AM"),
        ("V44", r#"DateAdd("yyyy", 2, CDate("2012-03-16-07:00"))"#, &[], "3/16/2014 7:00:00 AM"),
        ("V45", r#"DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))"#, &[], "13"),
        ("V45", r#"DateDiff("d", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))"#, &[], "-3449"),
        ("V45", r#"DateDiff("ww", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))"#, &[], "-493"),
        ("V45", r#"DateDiff("m", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))"#, &[], "-113"),
        ("V45", r#"DateDiff("yyyy", CDate("8/25/2021 5:41:18 PM"), CDate("2012-03-16-07:00"))"#, &[], "-9"),
        ("V45", r#"DateDiff("d", CDate("2021-08-24T08:00:00Z"), CDate("2021-08-24T19:00:00Z"))"#, &[], "0"),
        ("V45", r#"DateDiff("h", CDate("2021-08-24"), CDate("2021-08-25"))"#, &[], "24"),
        ("V45", r#"DateDiff("n", CDate("2021-08-24"), CDate("2021-08-25"))"#, &[], "1440"),
        ("V45", r#"DateDiff("s", CDate("2021-08-24"), CDate("2021-08-25"))"#, &[], "86400"),
        (
            "V46",
            r#"Append("SMTP:", Join("@", Join(".", [givenName], [surname]), "contoso.com"))"#,
            john,
            "SMTP:John.Doe@contoso.com",
        ),
        ("V47", mails, john, "[smtp:John.Doe@contoso.onmicrosoft.com, SMTP:John.Doe@contoso.com]"),
        ("V48", r#"Replace([preferredLanguage], "-", , , "_", , )"#, &["preferredLanguage=EN-US"], "EN_US"),
        (
            "V49",
            r#"IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))"#,
            &["prefix=3444"],
            "Prof.",
        ),
        (
            "V49",
            r#"IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))"#,
            &["prefix=7"],
            "Drop",
        ),
        ("V50", r#"Join("_", [displayName], "Contoso_Group")"#, &["displayName=Marketing"], "Marketing_Contoso_Group"),
    ];
    for (id, expression, attributes, want) in cases {
        assert_eq!(&shown(expression, attributes), want, "{id}: {expression}");
    }
}

#[test]
fn v25_both_readings_of_a_blank_after_the_comma() {
    let split = r#"Split([extensionAttribute5], ",")"#;
    let (candidates, reason) = unknown(split, &["extensionAttribute5=PermissionSetOne, PermissionSetTwo"]);
    assert_eq!(candidates, ["[PermissionSetOne,  PermissionSetTwo]", "[PermissionSetOne, PermissionSetTwo]"]);
    assert!(reason.contains("blanks"), "{reason}");
    assert_eq!(shown(split, &["extensionAttribute5=a,b"]), "[a, b]");
    // What does not rest on the blank is plain.
    assert_eq!(shown(r#"Trim(Item(Split([x], ","), 2))"#, &["x=a, b"]), "b");
}

#[test]
fn v35_unique_values_are_candidates() {
    let full = r#"Join("@", NormalizeDiacritics(StripSpaces(Join(".", [PreferredFirstName], [PreferredLastName]))), "contoso.com")"#;
    let first = |n: u8| full.replace("[PreferredFirstName]", &format!("Mid([PreferredFirstName], 1, {n})"));
    let expression = format!("SelectUniqueValue({full}, {}, {})", first(1), first(2));
    let (candidates, _) = unknown(&expression, &["PreferredFirstName=John", "PreferredLastName=Smith"]);
    assert_eq!(candidates, ["John.Smith@contoso.com", "J.Smith@contoso.com", "Jo.Smith@contoso.com"]);
}

#[test]
fn v51_the_default_container_of_users() {
    let container = r#"IIF(IsNullOrEmpty([onPremisesDistinguishedName]), "OU=Cloud_Users,DC=contoso,DC=com", Replace([onPremisesDistinguishedName], , "^.*?,(?=(?:CN|OU|DC)=)", , "", , ))"#;
    for (source, want) in [
        ("onPremisesDistinguishedName", "OU=Cloud_Users,DC=contoso,DC=com"),
        ("onPremisesDistinguishedName=", "OU=Cloud_Users,DC=contoso,DC=com"),
        (
            "onPremisesDistinguishedName=CN=Cloud User,OU=Cloud_Users,DC=contoso,DC=com",
            "OU=Cloud_Users,DC=contoso,DC=com",
        ),
        ("onPremisesDistinguishedName=CN=Smith\\, John,OU=R\\, D,DC=contoso,DC=com", "OU=R\\, D,DC=contoso,DC=com"),
        ("onPremisesDistinguishedName=cn=x,ou=y,dc=z", "cn=x,ou=y,dc=z"),
        ("onPremisesDistinguishedName=CN=a\\,OU=b,OU=c,DC=d", "OU=b,OU=c,DC=d"),
    ] {
        assert_eq!(shown(container, &[source]), want, "{source}");
    }
}

#[test]
fn rules_without_a_sample() {
    for (expression, attributes, want) in [
        (r#"Left("abc",0)"#, &[][..], ""),
        (r#"Left("abc",-1)"#, &[], "abc"),
        ("Left([x],3)", &["x"], ""),
        (r#"Left("ab",5)"#, &[], "ab"),
        (r#"Word("a b",0," ")"#, &[], ""),
        (r#"Word([x],1," ")"#, &["x"], ""),
        (r#"Word("a b",3," ")"#, &[], ""),
        (r#"InStr("abc","z")"#, &[], "0"),
        (r#"InStr("abcabc","b",3)"#, &[], "5"),
        (r#"InStr("ABC","b",1,vbTextCompare)"#, &[], "2"),
        (r#"InStr("ABC","b",,vbBinaryCompare)"#, &[], "0"),
        ("Len([x])", &["x"], "0"),
        (r#"Len("")"#, &[], "0"),
        (r#"Not("x")"#, &[], "True"),
        (r#"Not("True")"#, &[], "False"),
        ("Not([x])", &["x"], "True"),
        (r#"Mid("abcdef",3,2)"#, &[], "cd"),
        (r#"Mid("abcdef",3,99)"#, &[], "cdef"),
        (r#"Mid("abcdef",6)"#, &[], "f"),
        ("Coalesce([a],[b])", &["a", "b"], "<Null>"),
        (r#"Coalesce([a],"")"#, &["a"], ""),
        ("CBool(5)", &[], "True"),
        ("CBool(0)", &[], "False"),
        ("CBool([a]=[b])", &["a=x", "b=x"], "True"),
        ("Count([a])", &["a=x|y|z"], "3"),
        (r#"IsNull("")"#, &[], "False"),
        ("IsNull([a])", &["a"], "True"),
        ("IsNullOrEmpty([a])", &["a="], "True"),
        ("IsPresent([a])", &["a=x"], "True"),
        (r#"StripSpaces(" a b  c ")"#, &[], "abc"),
        (r#"ToUpper("straße")"#, &[], "STRAßE"),
        (r#"NormalizeDiacritics("æøßłıİÆØŁåöüÉ")"#, &[], "aeoessliIAEOELaouE"),
        (r#"Trim([a])"#, &["a= x | y"], "[x, y]"),
        ("RemoveDuplicates([a])", &["a=x|y|x"], "[x, y]"),
        (r#"Redact("x")"#, &[], "x"),
        (r#"NumFromDate("2012-01-01 23:00:00")"#, &[], "129699324000000000"),
        (
            r#"NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))"#,
            &["ContractEndDate=2020-12-31-08:00"],
            "132539615990000000",
        ),
        (
            r#"Join("", 1000, Replace(ConvertToUTF8Hex([objectId]), , "[a-zA-Z_]*", , "", , ))"#,
            &["objectId=d05e47b1-3909-445a-ba5e-ca60cbc0e4b4"],
            "100064303565343762312333930392343435612626135652636136306362633065346234",
        ),
        (r#"Replace([mobile], , "[()\\s-]+", , "", , )"#, &["mobile=+1 (999) 888-7777"], "+19998887777"),
        (r#"Switch([a], , "1", "one")"#, &["a=2"], "<Null>"),
        (r#"IIF("True", "yes", Error("no"))"#, &[], "yes"),
        (r#"IIF([a]="x", Error("bad"), "fine")"#, &["a=y"], "fine"),
        (r#""\"Contoso\" \\ \x""#, &[], "\"Contoso\" \\ \\x"),
        ("Item(Split([upn], \"@\"), 1)", &["upn=joe@contoso.com"], "joe"),
    ] {
        assert_eq!(shown(expression, attributes), want, "{expression}");
    }
}

#[test]
fn errors_and_nothing_to_write() {
    assert_eq!(outcome(r#"IIF([a]="x", Error("bad"), "fine")"#, &["a=x"]), Outcome::Error("bad".to_owned()));
    assert!(matches!(outcome(r#"Item(Split("a,b", ","), 3)"#, &[]), Outcome::Error(_)));
    assert_eq!(outcome("IgnoreFlowIfNullOrEmpty([a])", &["a"]), Outcome::Drop);
    assert_eq!(outcome("IgnoreFlowIfNullOrEmpty([a])", &["a="]), Outcome::Drop);
    // A default mapping of the service: every reading of Trim on nothing leaves nothing to write.
    assert_eq!(outcome("IgnoreFlowIfNullOrEmpty(Trim([department]))", &["department"]), Outcome::Drop);
    assert_eq!(outcome("IgnoreFlowIfNullOrEmpty(Trim([department]))", &["department= x "]), Outcome::Value("x".into()));
}
