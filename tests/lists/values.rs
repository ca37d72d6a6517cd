//! Values that are wrong for the element that holds them.

use crate::samples::Form;

/// A wrong value.
pub(crate) struct WrongValue {
    /// What is wrong with it.
    pub(crate) what: &'static str,
    /// The value.
    pub(crate) value: String,
    /// Why we refuse it although the published schema does not.
    pub(crate) stricter: Option<&'static str>,
}

fn wrong(what: &'static str, value: impl Into<String>) -> WrongValue {
    WrongValue { what, value: value.into(), stricter: None }
}

fn stricter(why: &'static str, what: &'static str, value: impl Into<String>) -> WrongValue {
    WrongValue { stricter: Some(why), ..wrong(what, value) }
}

/// Wrong values for an element of a list of this form.
pub(crate) fn wrong_values(element: &str, form: Form) -> Vec<WrongValue> {
    match element {
        "Tijdstempel" => timestamps(),
        "Volgnummer" | "MaximaleDuur" => numbers(),
        "Hostname" | "MedMijNode" => hosts(),
        "Zorgaanbiedernaam" => provider_names(form),
        "OAuthclientOrganisatienaam" | "Weergavenaam" => screen_names(),
        "GegevensdienstId" | "Systeemrolcode" => codes(form),
        "InterfaceversieId" | "Aanbiedertype" | "HRN" | "KVK" => codes(Form::Current),
        "AuthorizationEndpointuri" => uris().into_iter().chain([port()]).collect(),
        "TokenEndpointuri" | "ResourceEndpointuri" | "SubscriptionEndpointuri" => uris(),
        "AGB" | "URA" => digits("1234567", "123456789"),
        "OIN" => digits("0000000199000000000", "000000019900000000010"),
        other => panic!("no wrong values for <{other}>"),
    }
}

fn timestamps() -> Vec<WrongValue> {
    vec![
        wrong("empty", ""),
        wrong("no zone", "2026-03-02T08:30:00"),
        wrong("no such day", "2026-02-30T08:30:00Z"),
        wrong("second 60", "2026-03-02T08:30:60Z"),
        wrong("zone too far", "2026-03-02T08:30:00+15:00"),
        wrong("a space for the T", "2026-03-02 08:30:00Z"),
        wrong("no colon in the zone", "2026-03-02T08:30:00+0100"),
        stricter("without a zone it is no moment", "long, but no zone", "2026-03-02T08:30:00.000"),
        stricter("no list is of that year", "year 12026", "12026-03-02T08:30:00Z"),
    ]
}

fn numbers() -> Vec<WrongValue> {
    vec![
        wrong("empty", ""),
        wrong("zero", "0"),
        wrong("negative", "-1"),
        wrong("a fraction", "1.5"),
        wrong("letters", "een"),
        stricter("no list has been published that often", "over 64 bits", "18446744073709551616"),
    ]
}

fn hosts() -> Vec<WrongValue> {
    vec![
        wrong("empty", ""),
        wrong("upper case", "Node.example"),
        wrong("no dot", "localhost"),
        wrong("a dot at the end", "node.example."),
        wrong("a port", "node.example:443"),
        wrong("an underscore", "my_node.example"),
        wrong("a hyphen first", "-node.example"),
        wrong("a last label of one character", "node.e"),
        wrong("a space before", " node.example"),
        wrong("a letter that looks Latin", "nоde.example"),
        stricter("a name, not an address", "an IP address", "10.0.0.10"),
        stricter("DNS has no longer names (RFC 1035)", "over-long", format!("{}.example", "a".repeat(63).repeat(4))),
    ]
}

fn provider_names(form: Form) -> Vec<WrongValue> {
    let mut all = vec![
        wrong("empty", ""),
        wrong("no suffix", "huisarts"),
        wrong("another suffix", "huisarts@medmijn"),
        wrong("upper case", "Huisarts@medmij"),
        wrong("a space before", " huisarts@medmij"),
        wrong("two suffixes", "a@medmij@medmij"),
        wrong("over-long", format!("{}@medmij", "a".repeat(51))),
    ];
    if form == Form::OldZal {
        all.push(wrong("a dot", "huis.arts@medmij"));
        all.push(wrong("too short", "ab@medmij"));
    }
    all
}

fn screen_names() -> Vec<WrongValue> {
    vec![
        wrong("empty", ""),
        wrong("too short", "ab"),
        wrong("over-long", "a".repeat(51)),
        stricter("it would turn the text after it around", "a direction character", "abc\u{202e}def"),
    ]
}

fn codes(form: Form) -> Vec<WrongValue> {
    let too_long = "a".repeat(31);
    let over_long = match form {
        Form::Release10 => stricter("release 1.1 brought the maximum of 30", "over-long", too_long),
        Form::OldZal | Form::Current => wrong("over-long", too_long),
    };
    let meaning = "it would mean something in a scope or path";
    vec![
        wrong("empty", ""),
        over_long,
        stricter(meaning, "a tilde", "4~9"),
        stricter(meaning, "a slash", "4/9"),
        stricter(meaning, "a space", "4 9"),
    ]
}

fn uris() -> Vec<WrongValue> {
    let cannot = "it cannot be called, or not as it stands";
    vec![
        wrong("empty", ""),
        wrong("plain http", "http://node.example/a"),
        wrong("upper case", "https://Node.example/a"),
        wrong("a query", "https://node.example/a?b"),
        wrong("a fragment", "https://node.example/a#b"),
        wrong("a slash at the end", "https://node.example/a/"),
        wrong("an empty segment", "https://node.example/a//b"),
        wrong("a user", "https://me@node.example/a"),
        wrong("no host", "https:///a"),
        wrong("a port of six digits", "https://node.example:123456/a"),
        wrong("a space before", " https://node.example/a"),
        stricter(cannot, "a dot segment", "https://node.example/a/../b"),
        stricter(cannot, "a hidden dot segment", "https://node.example/%2e%2e/b"),
        stricter(cannot, "a space in the path", "https://node.example/a b"),
        stricter(cannot, "an IP address", "https://169.254.169.254/a"),
        stricter(cannot, "a path of 5,000 characters", format!("https://node.example/{}", "a".repeat(5000))),
    ]
}

fn port() -> WrongValue {
    wrong("a port on the front channel", "https://node.example:8443/a")
}

fn digits(short: &str, long: &str) -> Vec<WrongValue> {
    vec![wrong("empty", ""), wrong("too short", short), wrong("over-long", long), wrong("letters", "ABCDEFGH")]
}
