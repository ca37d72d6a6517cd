//! Formats: which one is answered, and which one was sent. `_format` beats `Accept` (FHIR STU3 http.html, 2.21.0.6). STU3 and
//! R4 share their media types; a `fhirVersion` that is not the endpoint's is another type.

use super::error::RequestError;
use super::parameters::FORMAT;
use super::{Asked, Verb};
use crate::form::decode_pairs;
use crate::medmij::FhirVersion;

pub use crate::his::Format;

/// Media types of a resource, whatever the case of their letters.
const JSON: [&str; 4] = ["application/fhir+json", "application/json+fhir", "application/json", "text/json"];
const XML: [&str; 4] = ["application/fhir+xml", "application/xml+fhir", "application/xml", "text/xml"];

impl Format {
    /// Of a media type without parameters, or of a short name.
    fn of(kind: &str) -> Option<Self> {
        let is_one = |known: [&str; 4]| known.into_iter().any(|known| kind.eq_ignore_ascii_case(known));
        match () {
            () if is_one(JSON) => Some(Self::Json),
            () if is_one(XML) => Some(Self::Xml),
            () => None,
        }
    }

    /// The media type of a resource in this format.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json; charset=utf-8",
            Self::Xml => "application/fhir+xml; charset=utf-8",
        }
    }

    /// The media type without parameters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json",
            Self::Xml => "application/fhir+xml",
        }
    }

    /// The formats that are written.
    pub fn served() -> impl Iterator<Item = Self> {
        [Self::Json, Self::Xml].into_iter()
    }
}

/// What a client accepts: a quality of 0 to 1,000 for each thing that can be answered (RFC 9110 section 12.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    json: u16,
    xml: u16,
    /// Of what is no resource.
    raw: u16,
    /// The format that is named first, for two of the same quality; none when only ranges are named.
    first: Option<Format>,
}

impl Accept {
    /// Of a request without an `Accept` line.
    pub const ANYTHING: Self = Self { json: 1_000, xml: 1_000, raw: 1_000, first: None };

    /// Of all `Accept` lines, which are one list (RFC 9110 section 5.3), at an endpoint of this FHIR version.
    pub fn of<'a>(lines: impl Iterator<Item = &'a str>, version: FhirVersion) -> Self {
        let mut ranges =
            lines.flat_map(|line| line.split(',')).filter_map(|range| Range::of(range, version)).peekable();
        if ranges.peek().is_none() {
            return Self::ANYTHING;
        }
        // The most specific range counts; of two equal ones the better.
        let (mut json, mut xml, mut raw, mut first) = (None, None, 0, None);
        for range in ranges {
            let named = Format::of(range.kind);
            json = json.max(range.rank(named, Format::Json));
            xml = xml.max(range.rank(named, Format::Xml));
            raw = raw.max(if range.covers_raw() { range.quality } else { 0 });
            first = first.or(named.filter(|_| range.quality > 0));
        }
        let quality = |rank: Option<(u8, u16)>| rank.map_or(0, |(_, quality)| quality);
        Self { json: quality(json), xml: quality(xml), raw, first }
    }

    /// The format of a resource.
    pub(super) fn of_resource(self) -> Result<Format, RequestError> {
        let preferred = [self.first.unwrap_or(Format::Json), Format::Json, Format::Xml];
        let best = preferred.map(|format| self.quality(format)).into_iter().max().filter(|best| *best > 0);
        preferred.into_iter().find(|format| Some(self.quality(*format)) == best).ok_or(RequestError::NotAcceptable)
    }

    /// The format of a Binary, and whether it is the resource that is asked for. Who names no format of FHIR gets the document
    /// itself, whatever its type: that is known only once it is there (RFC 9110 section 12.5.1 leaves this to us).
    pub(super) fn of_binary(self) -> Result<(Format, bool), RequestError> {
        let named = self.first.map_or(0, |format| self.quality(format));
        match self.of_resource() {
            Ok(format) if named >= self.raw && named > 0 => Ok((format, true)),
            found if self.raw > 0 => Ok((found.unwrap_or(Format::Json), false)),
            Ok(_) | Err(_) => Err(RequestError::NotAcceptable),
        }
    }

    const fn quality(self, format: Format) -> u16 {
        match format {
            Format::Json => self.json,
            Format::Xml => self.xml,
        }
    }
}

/// One media range.
struct Range<'a> {
    kind: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// `None` for one that is empty, or of another FHIR version.
    fn of(range: &'a str, version: FhirVersion) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| !kind.is_empty())?;
        let mut found = Self { kind, quality: 1_000 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                found.quality = quality(value);
            } else if name.eq_ignore_ascii_case("fhirversion") && !is_version(value, version) {
                found.quality = 0;
            }
        }
        Some(found)
    }

    /// How specific it is for this format, and its quality; `None` when it does not cover it. `named`: the format that it names.
    fn rank(&self, named: Option<Format>, format: Format) -> Option<(u8, u16)> {
        let specific = match self.kind {
            "*/*" => 0,
            "application/*" => 1,
            _ if named == Some(format) => 2,
            _ => return None,
        };
        Some((specific, self.quality))
    }

    /// Whether it covers a document: all that are passed on are PDF.
    fn covers_raw(&self) -> bool {
        ["*/*", "application/*", "application/pdf"].iter().any(|kind| self.kind.eq_ignore_ascii_case(kind))
    }
}

/// In thousandths; what is no number is 0.
fn quality(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|c| c.is_ascii_digit());
    match whole {
        "1" => 1_000,
        "0" if is_number => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

fn is_version(text: &str, version: FhirVersion) -> bool {
    let major_and_minor = match version {
        FhirVersion::Stu3 => ["3.0", "3.0.2", "3.0.1"],
        FhirVersion::R4 => ["4.0", "4.0.1", "4.0.0"],
    };
    major_and_minor.contains(&text.trim_matches('"'))
}

/// The format that `_format` names; `None` when it is not there.
pub(super) fn named(pairs: &[(String, String)], version: FhirVersion) -> Result<Option<Format>, RequestError> {
    let mut values = pairs.iter().filter(|(name, _)| name == FORMAT).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => of_parameter(value, version).map(Some).ok_or(RequestError::NotAcceptable),
        (Some(_), Some(_)) => Err(RequestError::Repeated),
    }
}

fn of_parameter(value: &str, version: FhirVersion) -> Option<Format> {
    // A plus sign in a query arrives as a space.
    let value = value.replace(' ', "+");
    let mut parts = value.split(';').map(|part| part.trim_matches('+'));
    let format = match parts.next()? {
        "json" => Format::Json,
        "xml" => Format::Xml,
        kind => Format::of(kind)?,
    };
    parts.all(|part| is_parameter(part, version)).then_some(format)
}

fn is_parameter(part: &str, version: FhirVersion) -> bool {
    match part.to_ascii_lowercase().split_once('=') {
        Some(("fhirversion", value)) => is_version(value, version),
        Some(("charset", value)) => value == "utf-8",
        _ => false,
    }
}

/// The format of a refusal: the one that an answer would have had, or JSON when that is none.
#[must_use]
pub fn of_refusal(asked: Asked<'_>, version: FhirVersion) -> Format {
    let texts = [asked.query, asked.form.ok().flatten()].into_iter().flatten();
    let pairs: Vec<_> = texts.flat_map(|text| decode_pairs(text).unwrap_or_default()).collect();
    of_sent(&pairs, asked, version).unwrap_or(Format::Json)
}

/// The format of an answer to what may have a body: who names none gets that of what was sent.
pub(super) fn of_sent(
    pairs: &[(String, String)],
    asked: Asked<'_>,
    version: FhirVersion,
) -> Result<Format, RequestError> {
    match asked.media {
        Media::Fhir(body) if asked.verb == Verb::Post && asked.accept == Accept::ANYTHING => {
            Ok(named(pairs, version)?.unwrap_or(body))
        }
        Media::Fhir(_) | Media::Form | Media::Other => of_answer(pairs, asked.accept, version),
    }
}

/// The format of an answer that is a resource.
pub(super) fn of_answer(
    pairs: &[(String, String)],
    accept: Accept,
    version: FhirVersion,
) -> Result<Format, RequestError> {
    named(pairs, version)?.map_or_else(|| accept.of_resource(), Ok)
}

/// The media type of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// A resource.
    Fhir(Format),
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Nothing that is taken anywhere, another FHIR version, or not said.
    Other,
}

impl Media {
    /// Of a `Content-Type` line.
    #[must_use]
    pub fn of(line: Option<&str>, version: FhirVersion) -> Self {
        let mut parts = line.unwrap_or_default().split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let fits = parts.all(|part| is_parameter(part, version));
        match Format::of(kind) {
            Some(format) if fits => Self::Fhir(format),
            None if fits && kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Self::Form,
            Some(_) | None => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(line: &str) -> Accept {
        Accept::of(std::iter::once(line), FhirVersion::Stu3)
    }

    #[test]
    fn a_resource_has_the_best_format_that_is_served() {
        for line in [
            "*/*",
            "application/fhir+json",
            "application/json;q=0.5",
            "text/html, application/*",
            "application/fhir+json; fhirVersion=3.0",
            "application/fhir+xml;q=0.1, application/fhir+json;q=0.2",
            "application/fhir+json, application/fhir+xml",
            "APPLICATION/FHIR+JSON",
            "",
        ] {
            assert_eq!(accept(line).of_resource(), Ok(Format::Json), "{line}");
        }
        for line in [
            "text/html",
            "application/fhir+json;q=0",
            "application/fhir+json;q=2",
            "application/fhir+json; fhirVersion=4.0",
            "application/fhir+json;q=0, application/fhir+json;q=0.000",
            "application/pdf",
        ] {
            assert_eq!(accept(line).of_resource(), Err(RequestError::NotAcceptable), "{line}");
        }
        for line in [
            "application/fhir+xml",
            "text/xml",
            "application/fhir+xml, application/fhir+json",
            "application/fhir+json;q=0.8, application/xml+fhir;q=0.9",
            "application/fhir+xml; fhirVersion=3.0",
            // A range that is refused by name is not let in by a wider one.
            "*/*, application/fhir+json;q=0",
        ] {
            assert_eq!(accept(line).of_resource(), Ok(Format::Xml), "{line}");
        }
        assert_eq!(
            Accept::of(["text/html", "application/fhir+json"].into_iter(), FhirVersion::Stu3).of_resource(),
            Ok(Format::Json)
        );
    }

    #[test]
    fn a_binary_is_a_document_unless_a_format_of_fhir_is_named() {
        for (line, as_resource) in [
            ("*/*", false),
            ("application/pdf", false),
            ("application/*", false),
            ("application/pdf, application/fhir+json;q=0.5", false),
            ("application/fhir+json", true),
            ("application/fhir+json, */*;q=0.1", true),
            ("application/fhir+json, */*", true),
        ] {
            assert_eq!(accept(line).of_binary(), Ok((Format::Json, as_resource)), "{line}");
        }
        assert_eq!(accept("application/fhir+xml").of_binary(), Ok((Format::Xml, true)));
        assert_eq!(Accept::ANYTHING.of_binary(), Ok((Format::Json, false)));
        assert_eq!(accept("application/fhir+json;fhirVersion=4.0").of_binary(), Err(RequestError::NotAcceptable));
    }

    #[test]
    fn a_refusal_has_the_format_that_an_answer_would_have() {
        let xml = Media::Fhir(Format::Xml);
        let by_get = Asked::search(Some("_format=xml"));
        let by_form =
            Asked { verb: Verb::Post, form: Ok(Some("_format=xml")), media: Media::Form, ..Asked::search(None) };
        let sent = Asked { verb: Verb::Post, media: xml, ..Asked::search(None) };
        for asked in [by_get, by_form, sent] {
            assert_eq!(of_refusal(asked, FhirVersion::Stu3), Format::Xml);
        }
        let twice = Asked { query: Some("_format=json"), ..by_form };
        let other = Asked { accept: accept("application/fhir+json"), ..sent };
        let no_body = Asked { media: xml, ..Asked::search(None) };
        for asked in [twice, other, no_body, Asked::search(Some("_format=pdf")), Asked::search(Some("_format=%"))] {
            assert_eq!(of_refusal(asked, FhirVersion::Stu3), Format::Json);
        }
    }

    #[test]
    fn a_body_has_a_media_type_of_this_version() {
        for (line, media) in [
            (Some("application/fhir+json"), Media::Fhir(Format::Json)),
            (Some("application/fhir+json; charset=UTF-8; fhirVersion=3.0"), Media::Fhir(Format::Json)),
            (Some("application/fhir+json; fhirVersion=4.0"), Media::Other),
            (Some("application/fhir+xml;charset=utf-8"), Media::Fhir(Format::Xml)),
            (Some("application/x-www-form-urlencoded"), Media::Form),
            (Some("Application/X-WWW-Form-Urlencoded;charset=utf-8"), Media::Form),
            (Some("text/plain"), Media::Other),
            (None, Media::Other),
        ] {
            assert_eq!(Media::of(line, FhirVersion::Stu3), media, "{line:?}");
        }
        assert_eq!(
            Media::of(Some("application/fhir+json;fhirVersion=4.0"), FhirVersion::R4),
            Media::Fhir(Format::Json)
        );
    }
}
