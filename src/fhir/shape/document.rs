//! Documents: which ones the patient may have, and the resource in which a HIS may send one. What a document itself says is
//! not looked at.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ShapeFault;
use super::bundle::Bundle;
use super::outline::Value;
use super::reference::{Target, target};
use super::scan::scan;
use super::stream::cutter::{Cutter, Piece};
use super::types::is_id;
use crate::medmij::FhirVersion;

/// The largest frame around the base64 text of a Binary, in bytes.
const FRAME_LIMIT: usize = 64 * 1024;

/// Whether a searchset that was shaped for the patient names a document: by the address of an attachment of a match of this
/// type, relative or below our base.
///
/// # Errors
/// When it is no searchset.
pub fn names_document(shaped: &[u8], listed_by: &str, our_base: &str, id: &str) -> Result<bool, ShapeFault> {
    let outline = scan(shaped)?;
    let bundle = Bundle::frame(&outline)?;
    let wanted = format!("Binary/{id}");
    let is_wanted = |url: Cow<'_, str>| {
        let path = url.strip_prefix(our_base).and_then(|path| path.strip_prefix('/')).unwrap_or(&url);
        path == wanted
    };
    let entries = bundle.entry.into_iter().flat_map(Value::items);
    let resources = entries.filter_map(|entry| entry.member("resource"));
    let listing = resources.filter(|found| found.member("resourceType").and_then(Value::plain) == Some(listed_by));
    let contents = listing.filter_map(|found| found.member("content")).flat_map(Value::items);
    // Of characters that need no escape anywhere.
    let is_safe = is_id(id);
    let mut urls = contents.filter_map(|content| content.member("attachment")?.member("url")?.string());
    Ok(urls.any(is_wanted) && is_safe)
}

/// What a Binary must be to be the patient's.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The version of the resource.
    pub fhir: FhirVersion,
    /// Its id.
    pub id: String,
    /// The media type of the document.
    pub media_type: &'static str,
    /// The logical id of the patient.
    pub patient_id: String,
    /// The base of the HIS.
    pub his_base: String,
}

/// Takes a document out of the Binary resource (JSON) in which a HIS sends it, in chunks and with little memory. The frame
/// before the document is judged before its first byte leaves, the frame behind it before its last one does.
pub struct BinaryStream {
    expected: Expected,
    cutter: Cutter,
    place: Place,
    /// The frame, without the document.
    frame: Vec<u8>,
    /// Base64 that does not fill a group of four yet; at the end, with its padding.
    group: Vec<u8>,
    escaped: bool,
    /// Behind the padding nothing more may come.
    is_padded: bool,
    /// The bytes of the last group: they wait for the judgement of the frame.
    last: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Document,
    Tail,
}

impl std::fmt::Debug for BinaryStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BinaryStream({:?})", self.place)
    }
}

impl BinaryStream {
    /// Begins one.
    #[must_use]
    pub fn new(expected: Expected) -> Self {
        let name: &[u8] = match expected.fhir {
            FhirVersion::Stu3 => b"\"content\"",
            FhirVersion::R4 => b"\"data\"",
        };
        Self {
            expected,
            cutter: Cutter::of_member(name, b'"', FRAME_LIMIT),
            place: Place::Head,
            frame: Vec::new(),
            group: Vec::new(),
            escaped: false,
            is_padded: false,
            last: Vec::new(),
        }
    }

    /// Takes the next bytes of the resource and gives those of the document.
    ///
    /// # Errors
    /// When it is another resource than expected, or cannot be read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ShapeFault> {
        let mut out = Vec::new();
        match self.place {
            Place::Head => {
                self.cutter.push(bytes);
                if let Some(Piece::Head(head)) = self.cutter.piece()? {
                    self.frame = head.to_vec();
                    self.judge_frame(b"\"}", true)?;
                    self.place = Place::Document;
                    let rest = self.cutter.rest().1.to_vec();
                    self.document(&rest, &mut out)?;
                }
            }
            Place::Document => self.document(bytes, &mut out)?,
            Place::Tail => self.tail(bytes)?,
        }
        Ok(out)
    }

    /// The resource ends here: the rest of the document.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self) -> Result<Vec<u8>, ShapeFault> {
        if self.place != Place::Tail {
            return Err(UNREADABLE);
        }
        self.judge_frame(b"", false)?;
        Ok(std::mem::take(&mut self.last))
    }

    fn document(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ShapeFault> {
        let mut text = std::mem::take(&mut self.group);
        for (index, byte) in bytes.iter().enumerate() {
            match (*byte, std::mem::take(&mut self.escaped)) {
                (b'\\', false) => self.escaped = true,
                // White space, and the slash that JSON lets one escape.
                (b'n' | b'r' | b't', true) | (b' ', false) => {}
                (b'/', true) => text.push(b'/'),
                (b'"', false) => {
                    out.append(&mut self.last);
                    self.last = decode(&text)?;
                    self.place = Place::Tail;
                    return self.tail(bytes.get(index..).unwrap_or_default());
                }
                (b'=', false) => {
                    self.is_padded = true;
                    text.push(b'=');
                }
                (byte, false) if !self.is_padded => text.push(byte),
                (_, _) => return Err(UNREADABLE),
            }
        }
        // At least one byte waits, so that the last group is known when it comes.
        self.group = text.split_off(text.len().saturating_sub(1) / 4 * 4);
        out.extend(decode(&text)?);
        Ok(())
    }

    /// From the closing quote on.
    fn tail(&mut self, bytes: &[u8]) -> Result<(), ShapeFault> {
        self.frame.extend_from_slice(bytes);
        if self.frame.len() > FRAME_LIMIT { Err(ShapeFault::PieceTooLarge) } else { Ok(()) }
    }

    /// Judges what is known of the frame, made whole by `closing`.
    fn judge_frame(&self, closing: &[u8], is_head: bool) -> Result<(), ShapeFault> {
        let whole = [&self.frame, closing].concat();
        let outline = scan(&whole)?;
        let root = outline.root().ok_or(UNREADABLE)?;
        let text = |name| root.member(name).and_then(Value::plain);
        if text("resourceType") != Some("Binary") {
            return Err(ShapeFault::UnexpectedType);
        }
        if root.member("id").is_some() && text("id") != Some(&self.expected.id) {
            return Err(ShapeFault::UnexpectedType);
        }
        if is_head && root.member("contentType").is_none() {
            return Err(ShapeFault::OutOfOrder);
        }
        let media_type = root.member("contentType").and_then(Value::string);
        if media_type.as_deref() != Some(self.expected.media_type) {
            return Err(ShapeFault::Unreadable { element: "contentType" });
        }
        self.judge_context(root)
    }

    /// The security context is this patient or there is none: another says that the document is to be kept by the rules of
    /// something that nobody judged (FHIR STU3 binary.html, 2.1.27.2).
    fn judge_context(&self, root: Value<'_>) -> Result<(), ShapeFault> {
        const CONTEXT: ShapeFault = ShapeFault::Unreadable { element: "securityContext" };
        let Some(context) = root.member("securityContext") else { return Ok(()) };
        let text = context.member("reference").and_then(Value::string).ok_or(CONTEXT)?;
        match target(&text, &self.expected.his_base)? {
            Target::Local { resource_type: "Patient", id, .. } if id == self.expected.patient_id => Ok(()),
            Target::Local { resource_type: "Patient", .. } => Err(ShapeFault::ForeignPatient),
            Target::Local { .. } | Target::Contained(_) | Target::Urn(_) | Target::Elsewhere(_) => Err(CONTEXT),
        }
    }
}

const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "content" };

fn decode(text: &[u8]) -> Result<Vec<u8>, ShapeFault> {
    STANDARD.decode(text).map_err(|_| UNREADABLE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HIS: &str = "https://his.internal/fhir";

    fn expected() -> Expected {
        Expected {
            fhir: FhirVersion::Stu3,
            id: "b-1".to_owned(),
            media_type: "application/pdf",
            patient_id: "pat-1".to_owned(),
            his_base: HIS.to_owned(),
        }
    }

    fn unwrap(resource: &str, chunk: usize) -> (Vec<u8>, Result<(), ShapeFault>) {
        let mut stream = BinaryStream::new(expected());
        let mut out = Vec::new();
        for chunk in resource.as_bytes().chunks(chunk) {
            match stream.push(chunk) {
                Ok(bytes) => out.extend(bytes),
                Err(fault) => return (out, Err(fault)),
            }
        }
        let end = stream.finish().map(|bytes| out.extend(bytes));
        (out, end)
    }

    fn binary(content: &str) -> String {
        format!(r#"{{"resourceType":"Binary","id":"b-1", "contentType":"application/pdf", "content" : "{content}" }}"#)
    }

    /// Base64 in short lines, with what JSON lets one escape.
    fn in_lines(text: &str) -> String {
        let lines = text.as_bytes().chunks(5).map(|line| String::from_utf8_lossy(line));
        lines.collect::<Vec<_>>().join("\\n ").replace('/', "\\/")
    }

    #[test]
    fn an_escape_that_a_chunk_cuts_is_still_an_escape() {
        let document = vec![0; 22];
        let resource = binary(&in_lines(&STANDARD.encode(&document)));
        for chunk in 1..50 {
            assert_eq!(unwrap(&resource, chunk), (document.clone(), Ok(())), "{chunk}");
        }
    }

    proptest! {
        #[test]
        fn a_document_comes_out_as_it_went_in(
            document in prop::collection::vec(any::<u8>(), 0..300),
            chunk in 1..50_usize,
            lines in any::<bool>(),
        ) {
            let mut text = STANDARD.encode(&document);
            if lines {
                text = in_lines(&text);
            }
            prop_assert_eq!(unwrap(&binary(&text), chunk), (document, Ok(())));
        }

        #[test]
        fn any_damage_is_refused_or_decodes(bytes in prop::collection::vec(any::<u8>(), 0..40), chunk in 1..50_usize) {
            let text: String = bytes.iter().map(|byte| char::from(byte % 0x60 + 0x20)).collect();
            let plain = serde_json::from_str::<serde_json::Value>(&binary(&text)).ok();
            let content = plain.and_then(|value| Some(value.get("content")?.as_str()?.replace([' ', '\n', '\r', '\t'], "")));
            let expected = content.and_then(|content| STANDARD.decode(content).ok());
            let (out, end) = unwrap(&binary(&text), chunk);
            match expected {
                Some(expected) if end.is_ok() => prop_assert_eq!(out, expected),
                Some(_) => prop_assert!(text.contains('\\'), "{}", text),
                None => prop_assert!(end.is_err()),
            }
        }
    }

    #[test]
    fn a_frame_that_is_no_binary_of_the_patient_lets_nothing_pass() {
        let pdf = STANDARD.encode("%PDF-1.7 and more of it");
        let whole = binary(&pdf);
        for (damaged, fault) in [
            (whole.replace("Binary", "Media"), ShapeFault::UnexpectedType),
            (whole.replace("b-1", "b-2"), ShapeFault::UnexpectedType),
            (whole.replace("application/pdf", "text/html"), ShapeFault::Unreadable { element: "contentType" }),
            (whole.replace(r#""contentType":"application/pdf","#, ""), ShapeFault::OutOfOrder),
            (
                whole.replace(r#""id""#, r#""securityContext":{"reference":"Patient/pat-2"},"id""#),
                ShapeFault::ForeignPatient,
            ),
            (whole.replace(r#""id""#, r#""id":"x","id""#), ShapeFault::RepeatedName),
            (whole.replacen('{', "[", 1), ShapeFault::NotJson { offset: 15 }),
        ] {
            let padded = format!("{damaged}{}", " ".repeat(FRAME_LIMIT));
            assert_eq!(unwrap(&padded, 20), (vec![], Err(fault)), "{damaged}");
        }
    }

    #[test]
    fn a_frame_behind_the_document_is_judged_before_its_end_leaves() {
        let document = "%PDF-1.7 and more of it";
        let whole = binary(&STANDARD.encode(document));
        for (end, fault) in [
            (r#"", "securityContext":{"reference":"Patient/pat-2"}}"#, ShapeFault::ForeignPatient),
            (r#"", "content":""}"#, ShapeFault::RepeatedName),
            (r#"", "id":"b-1"}"#, ShapeFault::RepeatedName),
        ] {
            let (out, found) = unwrap(&whole.replace("\" }", end), 9);
            assert_eq!(found, Err(fault), "{end}");
            assert!(out.len() < document.len(), "{end}");
        }
        for end in ["", "\"", "\"]", "\" } x"] {
            let (out, found) = unwrap(&whole.replace("\" }", end), 9);
            assert!(found.is_err() && out.len() < document.len(), "{end}");
        }
        let own = whole.replace("\" }", r#"", "securityContext":{"reference":"Patient/pat-1"}}"#);
        assert_eq!(unwrap(&own, 9), (document.as_bytes().to_vec(), Ok(())));
    }

    #[test]
    fn a_security_context_is_the_patient_or_absent() {
        let document = "%PDF-1.7 and more of it";
        let whole = binary(&STANDARD.encode(document));
        let unreadable = Err(ShapeFault::Unreadable { element: "securityContext" });
        for (context, judged) in [
            (r#"{"reference":"Patient/pat-1"}"#, Ok(())),
            (r#"{"reference":"https://his.internal/fhir/Patient/pat-1"}"#, Ok(())),
            (r#"{"reference":"Patient/pat-2"}"#, Err(ShapeFault::ForeignPatient)),
            (r#"{"reference":"DocumentReference/d-1"}"#, unreadable),
            (r#"{"reference":"https://elsewhere.example/Patient/pat-1"}"#, Err(ShapeFault::ForeignPatient)),
            (r##"{"reference":"#pat-1"}"##, unreadable),
            (r#"{"reference":1}"#, unreadable),
            (r#"{"identifier":{"value":"x"}}"#, unreadable),
            (r#""Patient/pat-1""#, unreadable),
        ] {
            let before = whole.replace(r#""id""#, &format!(r#""securityContext":{context},"id""#));
            assert_eq!(unwrap(&before, 9).1, judged, "{context}");
            let behind = whole.replace("\" }", &format!(r#"","securityContext":{context}}}"#));
            let (out, found) = unwrap(&behind, 9);
            assert_eq!(found, judged, "{context}");
            assert_eq!(out == document.as_bytes(), judged.is_ok(), "{context}");
        }
    }

    #[test]
    fn only_a_visible_attachment_names_a_document() {
        let ours = "https://inzage.example.nl/fhir/p/51/stu3";
        let list = |kind: &str, url: &str| {
            format!(
                r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"{kind}","content":[{{"attachment":{{"url":"{url}"}}}}]}}}}]}}"#
            )
        };
        let names = |kind: &str, url: &str| {
            names_document(list(kind, url).as_bytes(), "DocumentReference", ours, "b-1").unwrap()
        };
        for url in ["Binary/b-1", "https://inzage.example.nl/fhir/p/51/stu3/Binary/b-1", "Binary\\/b-1"] {
            assert!(names("DocumentReference", url), "{url}");
            assert!(!names("Media", url), "{url}");
        }
        for url in [
            "Binary/b-10",
            "Binary/b",
            "/Binary/b-1",
            "https://elsewhere.example/Binary/b-1",
            "https://inzage.example.nl/fhir/p/51/stu3Binary/b-1",
            "Media/b-1",
        ] {
            assert!(!names("DocumentReference", url), "{url}");
        }
        assert!(
            !names_document(br#"{"resourceType":"Bundle","type":"searchset"}"#, "DocumentReference", ours, "b-1")
                .unwrap()
        );
    }
}
