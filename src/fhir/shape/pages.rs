//! The links of a searchset: is there a next page, and may its address be followed.

use std::borrow::Cow;

use super::ShapeFault;
use super::mask::Mask;
use super::outline::{Kind, Value};

/// Bytes of the longest address of a next page. It travels in a URL of ours.
const LONGEST_ADDRESS: usize = 2000;

/// The address of the next page, as the HIS wrote it. Only that link matters: the others are replaced or left out.
///
/// # Errors
/// `NotASearchset` for links that cannot be read, and for two next pages.
pub(super) fn next(links: Value<'_>) -> Result<Option<Cow<'_, str>>, ShapeFault> {
    if links.kind() != Kind::Array {
        return Err(ShapeFault::NotASearchset);
    }
    let mut found = None;
    for link in links.items() {
        let relation = link.member("relation").and_then(Value::plain).ok_or(ShapeFault::NotASearchset)?;
        if !is_next(relation) {
            continue;
        }
        let url = link.member("url").and_then(Value::string).ok_or(ShapeFault::NotASearchset)?;
        if found.replace(url).is_some() {
            return Err(ShapeFault::NotASearchset);
        }
    }
    Ok(found)
}

/// `next`, in any case and also as the end of its IANA address: a page that is not seen would be lost without a trace.
fn is_next(relation: &str) -> bool {
    relation.split(|char: char| !char.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("next"))
}

/// The address, when it can be asked: below the base of the HIS (HAPI puts the cursor in a query of the base itself), with
/// no step out of it, of characters that a URL has, and without the BSN, which would then stand in the logs of every hop.
///
/// # Errors
/// `InternalAddress` and `UnmaskableBsn`.
pub(super) fn address<'t>(url: &'t str, mask: &Mask<'_>, his_base: &str) -> Result<&'t str, ShapeFault> {
    let rest = url.strip_prefix(his_base).filter(|rest| rest.starts_with(['/', '?']));
    let is_plain =
        url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>'));
    let path = rest.and_then(|rest| rest.split('?').next()).ok_or(ShapeFault::InternalAddress)?;
    if !is_plain || url.len() > LONGEST_ADDRESS || path.split('/').any(climbs) {
        return Err(ShapeFault::InternalAddress);
    }
    if mask.has_bsn(url) { Err(ShapeFault::UnmaskableBsn) } else { Ok(url) }
}

/// Whether a client of URLs would take the segment for a step up or on the spot (RFC 3986 section 5.2.4), or for more than
/// one segment.
fn climbs(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..") || plain.contains("%2f") || plain.contains("%5c")
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    const BASE: &str = "https://his.example.nl/fhir";

    fn links(text: &str) -> Result<Option<String>, ShapeFault> {
        let outline = scan(text.as_bytes()).unwrap();
        next(outline.root().unwrap()).map(|found| found.map(Cow::into_owned))
    }

    #[test]
    fn only_the_next_page_counts() {
        let others = r#"[{"relation":"self","url":"a"},{"relation":"first","url":"b"},{"relation":"prev","url":"c"},
            {"relation":"previous"},{"relation":"last"},{"relation":"nextcloud","url":"d"}]"#;
        assert_eq!(links(others), Ok(None));
        for relation in ["next", " NEXT ", "http://www.iana.org/assignments/relation/next", "Next"] {
            let found = links(&format!(r#"[{{"relation":"{relation}","url":"a\/b"}}]"#));
            assert_eq!(found, Ok(Some("a/b".to_owned())), "{relation}");
        }
        let twice = r#"[{"relation":"next","url":"a"},{"relation":"next","url":"a"}]"#;
        for text in
            [twice, r#"[{"relation":"next"}]"#, r#"[{"url":"a"}]"#, r#"[{"relation":"n\u0065xt"}]"#, "{}", "[1]"]
        {
            assert_eq!(links(text), Err(ShapeFault::NotASearchset), "{text}");
        }
    }

    #[test]
    fn an_address_must_stay_below_the_base() {
        let mask = Mask::new("999911132", BASE, "https://inzage.example.nl", &[]);
        let check = |url: &str| address(url, &mask, BASE).map(str::to_owned);
        for rest in ["/Observation?page=2", "?_getpages=ab-12&_offset=20", "/a%7Cb?c=../x", "/"] {
            assert_eq!(check(&format!("{BASE}{rest}")), Ok(format!("{BASE}{rest}")));
        }
        for rest in
            ["", "s/x", "@evil.example/x", "/../admin", "/x/..", "/./x", "/%2E%2e/x", "/.%2e", "/a%2f..%2Fb", "/..?x"]
        {
            assert_eq!(check(&format!("{BASE}{rest}")), Err(ShapeFault::InternalAddress), "{rest}");
        }
        for rest in ["/x y", "/x\\y", "/x#y", "/\u{e9}", "/x\r\ny"] {
            assert_eq!(check(&format!("{BASE}{rest}")), Err(ShapeFault::InternalAddress), "{rest}");
        }
        for url in ["Observation?page=2", "/fhir/x", "//his.example.nl/fhir/x", "http://his.example.nl/fhir/x", ""] {
            assert_eq!(check(url), Err(ShapeFault::InternalAddress), "{url}");
        }
        assert_eq!(check(&format!("{BASE}/{}", "x".repeat(2000))), Err(ShapeFault::InternalAddress));
        assert_eq!(check(&format!("{BASE}?patient=9999.11.132")), Err(ShapeFault::UnmaskableBsn));
    }
}
