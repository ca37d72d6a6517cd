//! Tricks to get the BSN or an address of the HIS out.

use super::super::super::ShapeFault;
use super::{Attack, Fate, Kept, Refused, Undetected, encounter};

const MASKED: Fate = Kept("*********");

pub(super) fn attacks() -> Vec<Attack> {
    let mut all: Vec<Attack> = [
        ("a BSN with dots", "9999.11.132"),
        ("a BSN with two spaces", "9999  11132"),
        ("a BSN with no-break spaces", "9999\u{a0}11\u{a0}132"),
        ("a BSN with a zero-width space", "9999\u{200b}11132"),
        ("a BSN with slashes", "9999/11/132"),
        ("a BSN with character references", "9999&nbsp;11&#xA0;132"),
        ("a BSN as character references", "&#57;&#57;&#57;&#57;&#49;&#49;&#49;&#51;&#50;"),
        ("a BSN with one digit as character reference", "9999&#x31;1132"),
        ("a BSN over a comment with markup", "9999<!-- <b> -->11132"),
        ("a BSN over CDATA and an instruction", "<![CDATA[9999]]><?x y?><![CDATA[11132]]>"),
        ("a BSN over markup", "<td>9999</td><td>11132</td>"),
        ("a BSN in full-width digits", "９９９９１１１３２"),
        ("a BSN with zeros before it", "0000999911132"),
        ("a BSN in an OID", "urn:oid:2.16.840.1.113883.2.4.6.3.999911132"),
        ("a BSN in a mail address", "p999911132@praktijk.example"),
        ("a BSN in escapes", "\\u0039\\u00399911132"),
    ]
    .map(|(name, text)| (name, "Encounter", encounter(&format!(r#""x":"{text}""#)), MASKED))
    .into();
    let long = format!(r#""x":"9999<!--{}-->11132""#, " x".repeat(500));
    all.push(("a BSN over a long comment", "Encounter", encounter(&long), MASKED));
    all.extend(unmaskable());
    all.extend(undetected());
    all.extend(addresses());
    all
}

fn unmaskable() -> Vec<Attack> {
    let unmaskable = || Refused(ShapeFault::UnmaskableBsn);
    [
        ("a BSN as id", encounter(r#""x":{"id":"999911132"}"#), unmaskable()),
        ("a BSN as number", encounter(r#""valueInteger":999911132"#), unmaskable()),
        ("a BSN as decimal", encounter(r#""valueDecimal":999911132.0"#), unmaskable()),
        ("a BSN as name", encounter(r#""x-999911132":1"#), unmaskable()),
        ("a BSN in an address", encounter(r#""x":[{"url":"https://x.example/?p=999911132"}]"#), unmaskable()),
        (
            "a BSN in the full URL",
            encounter(r#""x":1"#).replace(r#"{"resource""#, r#"{"fullUrl":"urn:oid:9.999911132","resource""#),
            unmaskable(),
        ),
        (
            "a BSN as identifier in a list",
            encounter(r#""x":{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":["1"]}"#),
            unmaskable(),
        ),
    ]
    .map(|(name, body, fate)| (name, "Encounter", body, fate))
    .into()
}

fn undetected() -> Vec<Attack> {
    [
        ("a BSN in words", encounter(r#""x":"negen negen negen negen een een""#), Undetected("negen")),
        ("a BSN in base64", encounter(r#""data":"OTk5OTExMTMy""#), Undetected("OTk5OTExMTMy")),
        ("a BSN percent-encoded", encounter(r#""x":"%39%39%39%39%31%31%31%33%32""#), Undetected("%39")),
        ("a BSN as number with exponent", encounter(r#""x":9999111320e-1"#), Undetected("9999111320e-1")),
    ]
    .map(|(name, body, fate)| (name, "Encounter", body, fate))
    .into()
}

fn addresses() -> Vec<Attack> {
    let internal = || Refused(ShapeFault::InternalAddress);
    [
        (
            "a host in a narrative",
            encounter(r#""x":"<a href=\"https:\/\/HIS.Praktijk.internal:8443\/x\">""#),
            Kept("***"),
        ),
        ("a host with a character reference", encounter(r#""x":"his&#46;praktijk.internal""#), Kept("***")),
        ("a host over a comment", encounter(r#""x":"his.prak<!-- x -->tijk.internal""#), Kept("***")),
        ("a host with a dot behind it", encounter(r#""x":"his.praktijk.internal.""#), Kept("***.")),
        (
            "a host that a BSN makes another",
            encounter(r#""x":"\u0000his.praktijk.internal999911132""#),
            Kept("************"),
        ),
        ("a host in a system", encounter(r#""x":{"system":"http://his.praktijk.internal/nummers"}"#), internal()),
        ("a host in a profile", encounter(r#""meta":{"profile":["https://his.praktijk.internal/p"]}"#), internal()),
        ("a host as name", encounter(r#""his.praktijk.internal":1"#), internal()),
        ("a host in an attachment", encounter(r#""photo":[{"url":"ftp://his.praktijk.internal/x"}]"#), Kept("masked")),
        (
            "an attachment elsewhere",
            encounter(r#""photo":[{"url":"https://10.0.0.5/x","title":"t"}]"#),
            Kept(r#"[{"title":"t"}]"#),
        ),
        ("a script for an attachment", encounter(r#""photo":[{"url":"javascript:alert(1)"}]"#), Kept("masked")),
        ("a page for an attachment", encounter(r#""photo":[{"url":"data:text/html,KANARIE"}]"#), Kept("masked")),
        ("an attachment from the root", encounter(r#""photo":[{"url":"\/fhir\/Binary\/1"}]"#), Kept("masked")),
        ("an attachment behind a backslash", encounter(r#""photo":[{"url":"\\\\10.0.0.5\\x"}]"#), Kept("masked")),
        (
            "an attachment of ours",
            encounter(r#""photo":[{"url":"Binary/1"},{"url":"https://his.praktijk.internal/fhir/Binary/2"}]"#),
            Kept(r#"[{"url":"Binary/1"},{"url":"https://inzage.example.nl/p/linde/49/fhir/Binary/2"}]"#),
        ),
        (
            "a reference elsewhere",
            encounter(r#""x":{"reference":"https://10.0.0.5/Location/1","display":"d"}"#),
            Kept(r#""x":{"display":"d"}"#),
        ),
        ("another name of the HIS", encounter(r#""x":"http://10.0.0.5:8080/fhir""#), Undetected("10.0.0.5")),
        ("a host percent-encoded", encounter(r#""x":"his%2Epraktijk%2Einternal""#), Undetected("%2E")),
        (
            "a canonical of the standard",
            encounter(r#""meta":{"profile":["http://nictiz.nl/fhir/p"]}"#),
            Kept(r#""meta":{"profile":["http://nictiz.nl/fhir/p"]}"#),
        ),
    ]
    .map(|(name, body, fate)| (name, "Encounter", body, fate))
    .into()
}
