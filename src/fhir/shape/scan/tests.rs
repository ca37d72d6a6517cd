//! What the scanner reads and refuses, and where it finds what it read.

use proptest::prelude::*;

use super::*;

fn fault(text: &str) -> ShapeFault {
    scan(text.as_bytes()).unwrap_err()
}

#[test]
fn what_the_rfc_allows_is_read() {
    for text in ["{}", " [ ] ", "[1,-0,1.00,1e-7,12345678901234567890.123,0E+1]", r#""\ud83d\ude00\/\"""#, "null"] {
        assert!(scan(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn what_it_forbids_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{,}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "tru",
        "nul",
        "{} {}",
        "[1]x",
        "{1:2}",
        "\"\u{1}\"",
        "\"tab\tinside it\"",
        r#""\x""#,
        r#""\u12g4""#,
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800A""#,
        "\u{feff}{}",
        "'a'",
        "[NaN]",
        "\"open",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "/**/{}",
    ] {
        assert!(matches!(fault(text), ShapeFault::NotJson { .. }), "{text}");
    }
    assert!(matches!(scan(b"\"\xff\""), Err(ShapeFault::NotJson { offset: 1 })));
}

#[test]
fn names_come_once_and_unescaped() {
    assert_eq!(fault(r#"{"a":1,"b":{"c":1,"c":2}}"#), ShapeFault::RepeatedName);
    let many: Vec<String> = (0..40).map(|index| format!("\"n{}\":0", index % 39)).collect();
    assert_eq!(fault(&format!("{{{}}}", many.join(","))), ShapeFault::RepeatedName);
    assert_eq!(fault(r#"{"\u0061":1}"#), ShapeFault::EscapedName);
    assert!(scan(br#"{"a":{"a":{"a":1}}}"#).is_ok());
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(scan(nested(DEPTH_LIMIT).as_bytes()).is_ok());
    assert_eq!(fault(&nested(DEPTH_LIMIT + 1)), ShapeFault::TooDeep);
    assert_eq!(fault(&"[".repeat(100_000)), ShapeFault::TooDeep);
}

#[test]
fn members_and_items_are_found_where_they_stand() {
    let outline = scan(br#" {"a":[1,{"b":"x\ny"}],"c":null} "#).unwrap();
    let root = outline.root().unwrap();
    assert_eq!(root.members().map(|member| member.name()).collect::<Vec<_>>(), ["a", "c"]);
    let second = root.member("a").unwrap().items().nth(1).unwrap();
    assert_eq!(second.raw(), r#"{"b":"x\ny"}"#);
    assert_eq!(second.member("b").unwrap().string().unwrap(), "x\ny");
    assert_eq!(root.member("c").unwrap().kind(), Kind::Literal);
}

proptest! {
    /// Wherever serde_json refuses, so do we; where it accepts, we only add our own three refusals.
    #[test]
    fn it_agrees_with_serde_json(text in r#"[\[\]{}:,"\\/abu0-9.eE+\- tfn]{0,24}"#) {
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        match scan(text.as_bytes()) {
            Ok(_) => prop_assert!(theirs.is_ok()),
            Err(ShapeFault::NotJson { .. }) => prop_assert!(theirs.is_err()),
            Err(fault) => prop_assert!(matches!(fault, ShapeFault::RepeatedName | ShapeFault::EscapedName)),
        }
    }
}
