//! Lists that are made to hurt their reader. The cases have the numbers of the list of security negatives (C.5).

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use super::*;

fn whitelist() -> String {
    String::from_utf8(fixture("whl-good")).unwrap()
}

/// How long this thread has had a processor so far, by the kernel's account: a busy machine does not count.
fn cpu_time() -> Duration {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(account.split(' ').next().unwrap().parse().unwrap())
}

/// Far above what one pass takes without optimisation on a slow core (some 100 ms), far below what a pass for each of a hundred
/// thousand things takes (minutes).
const ONE_PASS: Duration = Duration::from_secs(2);

/// The defect that stops a whitelist, and the processor time it took to find.
fn stopped(text: &str) -> (Option<Defect>, Duration) {
    let before = cpu_time();
    let defect = refusal("whl", text.as_bytes()).map(|error| error.defect);
    (defect, cpu_time().saturating_sub(before))
}

#[test]
fn case_85_nothing_that_a_list_points_at_is_fetched() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x", elsewhere.local_addr().unwrap());
    let before_root = |text: &str| whitelist().replace("<Whitelist ", &format!("{text}<Whitelist "));
    let bomb = (1..20).fold("<!ENTITY e0 \"ha\">".to_owned(), |text, n| {
        text + &format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))
    });
    let xinclude = format!("<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"{url}\"/><MedMijNode>");
    let refused = [
        ("external subset", before_root(&format!("<!DOCTYPE Whitelist SYSTEM \"{url}\">")), Defect::Doctype),
        ("external entity", before_root(&format!("<!DOCTYPE a [<!ENTITY e SYSTEM \"{url}\">]>")), Defect::Doctype),
        ("local file", before_root("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>"), Defect::Doctype),
        (
            "parameter entity",
            before_root(&format!("<!DOCTYPE a [<!ENTITY % e SYSTEM \"{url}\"> %e;]>")),
            Defect::Doctype,
        ),
        ("entity bomb", before_root(&format!("<!DOCTYPE a [{bomb}]>")), Defect::Doctype),
        ("style sheet", before_root(&format!("<?xml-stylesheet href=\"{url}\"?>")), Defect::ProcessingInstruction),
        (
            "XInclude",
            whitelist().replacen("<MedMijNode>", &xinclude, 1),
            Defect::WrongNamespace { element: "include".into() },
        ),
        (
            "schema without namespace",
            whitelist().replace(
                "<Whitelist ",
                &format!(
                    "<Whitelist xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                     xsi:noNamespaceSchemaLocation=\"{url}\" "
                ),
            ),
            Defect::Attribute { element: "Whitelist".into() },
        ),
    ];
    for (name, text, defect) in refused {
        let (found, took) = stopped(&text);
        assert_eq!(found, Some(defect), "{name}");
        assert!(took < ONE_PASS, "{name} took {took:?}");
    }
    // The published examples have a schemaLocation, so it is read over; it is not followed either.
    let instance = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let located = format!("<Whitelist {instance} xsi:schemaLocation=\"{url} {url}\" ");
    assert_eq!(stopped(&whitelist().replace("<Whitelist ", &located)).0, None);
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "something was fetched");
}

#[test]
fn case_86_a_hundred_thousand_declarations_or_attributes_cost_nothing() {
    let many = |make: fn(u32) -> String| (0..100_000).map(make).collect::<String>();
    let namespaces = many(|n| format!("xmlns:n{n}=\"urn:{n}\" "));
    let attributes = many(|n| format!("a{n}=\"\" "));
    let in_tag = |tag: &str, text: &str| whitelist().replacen(&format!("<{tag}"), &format!("<{tag} {text}"), 1);
    let refused = [
        ("namespaces on the root", in_tag("Whitelist", &namespaces), Defect::NamespaceDeclarations),
        ("namespaces below it", in_tag("Hostname", &namespaces), Defect::NamespaceDeclarations),
        ("attributes on the root", in_tag("Whitelist", &attributes), Defect::Attribute { element: "Whitelist".into() }),
        ("attributes below it", in_tag("Hostname", &attributes), Defect::Attribute { element: "Hostname".into() }),
    ];
    for (name, text, defect) in refused {
        let (found, took) = stopped(&text);
        assert_eq!(found, Some(defect), "{name}");
        assert!(took < ONE_PASS, "{name} took {took:?}");
    }
}

/// Depth, length and size: each is stopped by a bound of its own, in time that grows with the input and no more.
#[test]
fn what_is_too_deep_too_long_or_too_large_is_stopped() {
    let refused = [
        (
            "depth",
            whitelist().replace("<MedMijNodes>", &"<MedMijNodes>".repeat(100_000)),
            Defect::UnexpectedElement {
                expected: Expected::ItemOrEnd { item: "MedMijNode", container: "MedMijNodes" },
                found: "MedMijNodes".into(),
            },
        ),
        (
            "a long value",
            whitelist().replace("node.inzage", &"a.".repeat(1_000_000)),
            Defect::TextTooLong { element: "Hostname" },
        ),
        (
            "a value of many pieces",
            whitelist().replace("node.inzage", &"&amp;".repeat(1_000_000)),
            Defect::TextTooLong { element: "Hostname" },
        ),
        ("size", format!("{}{}", whitelist(), " ".repeat(MAX_LIST_BYTES)), Defect::TooLarge),
    ];
    for (name, text, defect) in refused {
        let (found, took) = stopped(&text);
        assert_eq!(found, Some(defect), "{name}");
        assert!(took < ONE_PASS, "{name} took {took:?}");
    }
}
