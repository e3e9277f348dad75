//! What parses, what does not and where, and that nonsense never panics.

use super::*;
use proptest::prelude::*;

#[test]
fn refused_with_a_column() {
    for (text, column, part) in [
        ("", 1, "empty"),
        ("   ", 4, "empty"),
        ("\"abc", 1, "not closed"),
        ("Append(\"a\", \"b)", 13, "not closed"),
        ("\"a\\\"", 1, "not closed"),
        ("[abc", 1, "not closed"),
        ("[ ]", 1, "name is missing"),
        ("Left([a],3", 11, "not closed"),
        ("Left([a],3))", 12, "nothing opened"),
        ("Left([a])", 1, "takes 2 arguments, not 1"),
        ("Left([a],1,2)", 1, "takes 2 arguments, not 3"),
        ("IIF([a]=\"x\",\"y\")", 1, "takes 3"),
        ("Mid([a])", 1, "2 to 3"),
        ("Append(\"ä\", Join(\"x\"))", 13, "at least 2"),
        ("Switch([a],\"d\",\"k\")", 1, "at least 4"),
        ("Switch([a],\"d\",\"k\",\"v\",\"l\")", 1, "even number"),
        ("Guid(1)", 1, "takes 0"),
        ("Replace(a,b,c,d,e,f,g,h)", 1, "2 to 7"),
        ("IIF([a]=\"x\" && [b]=\"y\",1,2)", 13, "no &&"),
        ("IIF([a]=\"x\" || [b]=\"y\",1,2)", 13, "no ||"),
        ("[a] = [b] = [c]", 11, "do not chain"),
        ("[a] [b]", 5, "missing here"),
        ("Append(\"a\" \"b\")", 12, "missing here"),
        ("[a] + [b]", 5, "no operator +"),
        ("& [a]", 1, "operand"),
        ("[a] &", 6, "ends where"),
        ("= [a]", 1, "value is missing"),
        ("[a] = ", 7, "ends where"),
        ("&H", 1, "hexadecimal"),
        ("%Domain", 1, "percent"),
        ("Append(“a”,[b])", 8, "typographic"),
        ("Append('a',[b])", 8, "single"),
        ("[a], [b]", 4, "comma"),
        ("{}", 1, "unexpected"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn accepted() {
    for text in [
        "[a]",
        "\"\"",
        " Join (\"\", 1 , 2)\r\n",
        "Guid( )",
        "InStr([a],\",\", , )",
        "Replace([x],\"\\,\",,,\"\\2C\",,)",
        "append([a],\"\")",
        "BitAnd(&hff,1 & 2)",
        "CBool([a]<>[b])",
        "Unheard([a],,)",
        "[name with blank]",
    ] {
        assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
    }
    let expr = parse("instr([a],[b],[A])").unwrap();
    assert_eq!(expr.attributes(), ["a", "b", "A"]);
    assert!(expr.notes()[0].message.contains("InStr"));
    assert!(parse("Trim(Coalesce([a],[b]))").unwrap().notes()[0].message.contains("app provisioning only"));
    assert!(parse("IgnoreFlowIfNullOrEmpty(Trim([a]))").unwrap().notes().is_empty());
    assert!(parse("Lef([a],1)").unwrap().notes()[0].message.contains("did you mean Left"));
}

#[test]
fn too_deep_and_too_long() {
    for (open, close) in [("(", ")"), ("Trim(", ")"), ("IIF(\"True\",", ",1)")] {
        let count = 9_900 / (open.len() + close.len());
        let text = format!("{}1{}", open.repeat(count), close.repeat(count));
        let error = parse(&text).unwrap_err();
        assert!(error.message.contains("levels"), "{error}");
        // The condition of an IIF is as deep as its branches.
        let first = open.find('"').map_or(open.len() * MAX_DEPTH, |quote| open.len() * (MAX_DEPTH - 1) + quote);
        assert_eq!(error.column, first + 1);
        let text = format!("{}1{}", open.repeat(MAX_DEPTH - 1), close.repeat(MAX_DEPTH - 1));
        let _ = evaluate(&parse(&text).unwrap(), &object(&[]));
    }
    assert_eq!(parse(&"(".repeat(10_000)).unwrap_err().column, MAX_DEPTH + 1);
    let flat = format!("\"\"{}", "&\"\"".repeat(3_000));
    assert!(parse(&flat).is_ok());
    let long = format!("\"{}\"", "ä".repeat(9_998));
    assert!(parse(&long).is_ok());
    let error = parse(&format!("{long} ")).unwrap_err();
    assert_eq!(error.column, 10_001);
}

#[test]
fn expressions_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&parse(groups::CN).unwrap());
}

/// Text that has a chance of parsing.
fn likely() -> impl Strategy<Value = String> {
    let names: Vec<&str> = catalog::CATALOG.iter().map(|entry| entry.name).collect();
    let leaf = prop_oneof![
        Just("[a]".to_owned()),
        Just("[m]".to_owned()),
        Just("[none]".to_owned()),
        Just("&HF".to_owned()),
        Just("UTF8".to_owned()),
        Just("%DomainFQDN%".to_owned()),
        "-?[0-9]{1,19}(\\.[0-9]{1,3})?",
        "\"[-a-zA-Z0-9 ,.:/+()?*$yMdHmsz𝒳üß=]{0,8}\"",
        "\"[0-9]{4}-[01][0-9]-[0-3][0-9]([+-][01][0-9]:00)?\"",
        Just(String::new()),
    ];
    leaf.prop_recursive(5, 40, 7, move |inner| {
        prop_oneof![
            4 => (proptest::sample::select(names.clone()), proptest::collection::vec(inner.clone(), 0..8))
                .prop_map(|(name, args)| format!("{name}({})", args.join(","))),
            1 => (inner.clone(), "=|<>|<|>|<=|>=|&", inner).prop_map(|(a, op, b)| format!("{a}{op}{b}")),
        ]
    })
}

fn sample() -> HashMap<String, Value> {
    let mut object = object(&["a=Zoë 𝒳 1,2", "m=x|y"]);
    object.insert("b".to_owned(), Value::Bin(vec![1, 2]));
    object.insert("i".to_owned(), Value::Int(i64::MIN));
    object
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,60}") {
        if let Ok(expr) = parse(&text) {
            let _ = evaluate(&expr, &sample());
        }
    }
    #[test]
    fn likely_text_never_panics(text in likely()) {
        if let Ok(expr) = parse(&text) {
            let first = evaluate(&expr, &sample());
            if let Outcome::Unknown { candidates, reason } = &first {
                prop_assert!(candidates.len() <= 8);
                prop_assert!(!reason.is_empty(), "{}", text);
            }
            prop_assert_eq!(format!("{:?}", first), format!("{:?}", evaluate(&expr, &sample())));
        }
    }
    #[test]
    fn mutated_text_never_panics(at in 0usize..400, with in "\\PC{0,3}") {
        let text = r#"IIF(IsPresent([G]), Replace(Mid(Replace([G], "\,", , , "\2C", , ), Instr([G], ",", , ), 9999), , "^.*?,(?=(?:CN|OU)=)", , "${n}", , ), "OU=x")"#;
        let at = at.min(text.len());
        let mutated = format!("{}{with}{}", &text[..at], text.get(at + 1..).unwrap_or_default());
        if let Ok(expr) = parse(&mutated) {
            let _ = evaluate(&expr, &object(&["G=CN=a\\, b,OU=c"]));
        }
    }
    #[test]
    fn text_constants_round_trip(text in "\\PC{0,40}") {
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let expr = parse(&quoted).unwrap();
        prop_assert_eq!(evaluate(&expr, &object(&[])), Outcome::Value(Value::Str(text)));
    }
}
