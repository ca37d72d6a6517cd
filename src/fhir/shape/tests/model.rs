//! The rules once more, written the slow and obvious way on parsed values, to hold the shaper against.

use serde_json::{Map, Value, json};

use super::super::Shaping;
use super::HIS_HOST;

type Judged<T> = Result<T, &'static str>;

const BSN_SYSTEMS: [&str; 4] = [
    "http://fhir.nl/fhir/namingsystem/bsn",
    "https://fhir.nl/fhir/namingsystem/bsn",
    "urn:oid:2.16.840.1.113883.2.4.6.3",
    "2.16.840.1.113883.2.4.6.3",
];
const BY_PATIENT: [&str; 3] = ["AllergyIntolerance", "EpisodeOfCare", "RelatedPerson"];
const BY_SUBJECT: [&str; 6] = ["Composition", "Condition", "Encounter", "Flag", "MedicationRequest", "Observation"];
const SPECIMEN: &str = "Specimen";
const NEUTRAL: [&str; 4] = ["Medication", "Organization", "Practitioner", "Device"];

/// The Bundle that should leave, or why none may.
pub(super) fn shape(bundle: &Value, shaping: &Shaping<'_>) -> Judged<Value> {
    Model { shaping: *shaping, bsn: shaping.bsn.reveal() }.bundle(bundle)
}

struct Model<'a> {
    shaping: Shaping<'a>,
    bsn: &'a str,
}

struct Entry {
    kind: String,
    id: String,
    url: Option<String>,
    is_match: bool,
    /// Without what the guideline hides; `None` when all of it is hidden.
    cut: Option<Value>,
    gone: Vec<String>,
}

fn text(value: &Value, name: &str) -> Option<String> {
    Some(value.get(name)?.as_str()?.to_owned())
}

impl Model<'_> {
    fn bundle(&self, bundle: &Value) -> Judged<Value> {
        let members = bundle.as_object().ok_or("no object")?;
        if text(bundle, "resourceType").as_deref() != Some("Bundle")
            || text(bundle, "type").as_deref() != Some("searchset")
        {
            return Err("no searchset");
        }
        if members.get("total").is_some_and(|total| !total.is_number()) {
            return Err("total");
        }
        if let Some(links) = members.get("link") {
            for link in links.as_array().ok_or("link")? {
                if text(link, "relation").ok_or("relation")?.trim().eq_ignore_ascii_case("next") {
                    return Err("next");
                }
            }
        }
        for (name, value) in members {
            if !["entry", "link", "resourceType", "total", "type", "id", "meta", "signature"].contains(&name.as_str()) {
                self.check_name(name)?;
                self.check(value, name, "Bundle", Inside::Frame)?;
                refuse_hidden_lines(value)?;
            }
        }
        let mut entries = Vec::new();
        if let Some(list) = members.get("entry") {
            for entry in list.as_array().ok_or("entry")? {
                entries.extend(self.entry(entry)?);
            }
        }
        self.assemble(members, &entries)
    }

    fn entry(&self, entry: &Value) -> Judged<Option<Entry>> {
        let resource = entry.get("resource").ok_or("resource")?;
        let kind = text(resource, "resourceType").ok_or("type")?;
        if kind == "OperationOutcome" {
            return Ok(None);
        }
        let mode = match entry.get("search") {
            None => "match".to_owned(),
            Some(Value::Object(search)) => match search.get("mode") {
                None => "match".to_owned(),
                Some(mode) => mode.as_str().ok_or("mode")?.to_owned(),
            },
            Some(_) => return Err("search"),
        };
        let is_match = mode == "match";
        if !is_match && mode != "include" {
            return Err("mode");
        }
        if is_match && kind != self.shaping.resource {
            return Err("match of another type");
        }
        let id = text(resource, "id").filter(|id| is_id(id)).ok_or("id")?;
        let url = match entry.get("fullUrl") {
            None => None,
            Some(url) => Some(url.as_str().ok_or("fullUrl")?.to_owned()),
        };
        if url.as_ref().is_some_and(|url| self.hide_bsn(url) != *url) {
            return Err("BSN in fullUrl");
        }
        if kind == "Patient" {
            if id != self.shaping.patient_id {
                return Err("foreign Patient");
            }
        } else {
            self.check_subject(resource, &kind)?;
        }
        for (name, value) in entry.as_object().ok_or("entry")? {
            self.check_name(name)?;
            if !["fullUrl", "link", "request", "response"].contains(&name.as_str()) {
                let inside = if name == "resource" { Inside::Own } else { Inside::Else };
                self.check(value, name, "entry", inside)?;
            }
        }
        let (cut, gone) = self.cut(resource, &kind, &id)?;
        let is_wanted = is_match || self.shaping.includes.contains(&kind.as_str());
        let mut whole = entry.clone();
        for name in ["fullUrl", "link", "request", "response"].iter().filter(|_| cut.is_some() && is_wanted) {
            whole.as_object_mut().ok_or("entry")?.remove(*name);
        }
        let cut = cut.filter(|_| is_wanted).map(|cut| {
            whole["resource"] = cut;
            whole
        });
        cut.iter().try_for_each(refuse_hidden_lines)?;
        Ok(Some(Entry { kind, id, url, is_match, cut, gone }))
    }

    fn check_subject(&self, resource: &Value, kind: &str) -> Judged<()> {
        let name = if BY_PATIENT.contains(&kind) {
            "patient"
        } else if BY_SUBJECT.contains(&kind) || kind == SPECIMEN {
            "subject"
        } else if NEUTRAL.contains(&kind) {
            return Ok(());
        } else {
            return Err("type");
        };
        let subject = resource.get(name).and_then(|subject| text(subject, "reference")).ok_or("no subject")?;
        let path = subject.strip_prefix(&format!("{}/", self.shaping.his_base)).unwrap_or(&subject).to_owned();
        let ours = format!("Patient/{}", self.shaping.patient_id);
        if path == ours || path.starts_with(&format!("{ours}/_history/")) { Ok(()) } else { Err("subject") }
    }

    fn check_name(&self, name: &str) -> Judged<()> {
        if self.hide_bsn(name) != name || has_host(name) { Err("name") } else { Ok(()) }
    }

    /// All faults that a value can hold, whether or not it would leave.
    fn check(&self, value: &Value, name: &str, parent: &str, inside: Inside) -> Judged<()> {
        match value {
            Value::Array(items) => {
                let inside = if inside == Inside::Own { Inside::Else } else { inside };
                items.iter().try_for_each(|item| self.check(item, name, parent, inside))
            }
            Value::Number(number) if self.hide_bsn(&number.to_string()) != number.to_string() => Err("BSN as number"),
            Value::String(text) => self.check_text(text, name, parent),
            Value::Object(members) => {
                self.check_object(members, inside)?;
                members.iter().try_for_each(|(member, value)| {
                    self.check_name(member)?;
                    let below = match (inside, member.as_str()) {
                        (Inside::Own, "contained") => Inside::Contained,
                        _ => Inside::Else,
                    };
                    self.check(value, member, name, below)
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn check_text(&self, text: &str, name: &str, parent: &str) -> Judged<()> {
        let addresses = ["fullUrl", "id", "reference", "resourceType", "uri", "url", "valueUri"];
        if self.hide_bsn(text) != text && addresses.contains(&name) {
            return Err("BSN in address");
        }
        let is_canonical = ["system", "resourceType", "instantiates"].contains(&name)
            || (name == "url" && ["extension", "modifierExtension"].contains(&parent))
            || (name == "profile" && parent == "meta");
        if is_canonical && has_host(text) { Err("host in canonical") } else { Ok(()) }
    }

    fn check_object(&self, members: &Map<String, Value>, inside: Inside) -> Judged<()> {
        if let Some(kind) = members.get("resourceType") {
            match inside {
                Inside::Own => {}
                Inside::Contained => {
                    self.check_subject(&Value::Object(members.clone()), kind.as_str().ok_or("type")?)?;
                }
                Inside::Else | Inside::Frame => return Err("resource in an odd place"),
            }
        }
        match members.get("reference") {
            None | Some(Value::Object(_)) => {}
            Some(Value::String(text)) => self.check_reference(text)?,
            Some(_) => return Err("reference"),
        }
        if is_bsn_identifier(members) {
            for name in ["value", "code"] {
                let Some(value) = members.get(name) else { continue };
                let value = value.as_str().ok_or("BSN value")?;
                let digits: String = value.chars().filter(|char| !".- ".contains(*char)).collect();
                let is_ours = digits == self.bsn || (digits.len() == 8 && format!("0{digits}") == self.bsn);
                if value.chars().any(char::is_numeric) && !is_ours {
                    return Err("foreign BSN");
                }
            }
        }
        Ok(())
    }

    fn check_reference(&self, text: &str) -> Judged<()> {
        if text.starts_with('#') || text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
            return Ok(());
        }
        match self.local(text) {
            Some(path) => {
                let segments: Vec<&str> = path.split('/').collect();
                let (kind, id) = match segments[..] {
                    [kind, id] => (kind, id),
                    [kind, id, "_history", version] if is_id(version) => (kind, id),
                    _ => return Err("reference"),
                };
                let is_type =
                    kind.chars().all(|char| char.is_ascii_alphabetic()) && kind.starts_with(char::is_uppercase);
                if !is_type || !is_id(id) || (kind != "Patient" && kind.eq_ignore_ascii_case("patient")) {
                    return Err("reference");
                }
                if kind == "Patient" && id != self.shaping.patient_id { Err("foreign") } else { Ok(()) }
            }
            None if text.to_lowercase().split(['/', '?', '#']).any(|part| part == "patient") => Err("foreign"),
            None => Ok(()),
        }
    }

    /// Type and id, for a target at the HIS.
    fn local(&self, reference: &str) -> Option<String> {
        if let Some(path) = reference.strip_prefix(&format!("{}/", self.shaping.his_base)) {
            return Some(path.to_owned());
        }
        (!reference.contains("://")).then(|| reference.to_owned())
    }

    /// The resource without what the guideline hides, and the ids of contained resources that went.
    fn cut(&self, resource: &Value, kind: &str, id: &str) -> Judged<(Option<Value>, Vec<String>)> {
        let mut resource = resource.clone();
        let mut gone = Vec::new();
        if let Some(contained) = resource.get("contained").cloned() {
            let mut left = Vec::new();
            for mut inner in contained.as_array().ok_or("contained")?.clone() {
                let inner_kind = text(&inner, "resourceType").ok_or("contained")?;
                let inner_id =
                    inner.get("id").map(|id| id.as_str().ok_or("contained id")).transpose()?.map(str::to_owned);
                if inner_kind == "Composition" || !self.shows(&inner, &inner_kind, "")? {
                    gone.extend(inner_id);
                    continue;
                }
                tidy(&mut inner, kind == "Composition");
                left.push(inner);
            }
            if left.is_empty() {
                resource.as_object_mut().ok_or("resource")?.remove("contained");
            } else {
                resource["contained"] = Value::Array(left);
            }
        }
        if kind == "Composition" && !cut_sections(&mut resource)? {
            return Ok((None, gone));
        }
        if !self.shows(&resource, kind, id)? {
            return Ok((None, gone));
        }
        tidy(&mut resource, kind == "Composition");
        Ok((Some(resource), gone))
    }

    fn shows(&self, resource: &Value, kind: &str, id: &str) -> Judged<bool> {
        let rules = self.shaping.rules;
        let start = rules.access_start.to_string();
        Ok(match kind {
            "Composition" => text(resource, "date").is_some_and(|date| is_from(&date, &start)),
            "EpisodeOfCare" => match text(resource, "status").as_deref() {
                Some("active" | "planned" | "waitlist" | "onhold") => true,
                Some("entered-in-error") | None => false,
                Some(_) => rules.flagged_episodes.contains(id),
            },
            "Observation" => {
                let (lines, _) = codes(resource)?;
                let profiles = resource.get("meta").and_then(|meta| meta.get("profile")).and_then(Value::as_array);
                let has_profile = profiles.is_some_and(|profiles| {
                    profiles.iter().any(|it| it.as_str().is_none_or(|it| it.to_lowercase().contains("gp-journalentry")))
                });
                if lines.is_empty() {
                    !has_profile && is_effective_from(resource, &rules.results_since.to_string())
                } else {
                    lines.iter().all(|line| line == "E" || line == "P") && is_effective_from(resource, &start)
                }
            }
            _ => true,
        })
    }

    fn assemble(&self, frame: &Map<String, Value>, entries: &[Entry]) -> Judged<Value> {
        let mut kept: Vec<bool> = entries.iter().map(|entry| entry.is_match && entry.cut.is_some()).collect();
        loop {
            let mut wanted = Vec::new();
            for (entry, kept) in entries.iter().zip(&kept) {
                if let (Some(cut), true) = (&entry.cut, kept) {
                    collect_references(cut, &mut wanted);
                }
            }
            let next: Vec<bool> = entries
                .iter()
                .zip(&kept)
                .map(|(entry, kept)| {
                    *kept || (entry.cut.is_some() && wanted.iter().any(|it| self.is_target(entry, it)))
                })
                .collect();
            if next == kept {
                break;
            }
            kept = next;
        }
        let hidden: Vec<&Entry> =
            entries.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(entry, _)| entry).collect();
        let mut out = Map::new();
        for (name, value) in frame {
            if !["entry", "link", "total", "id", "meta", "signature"].contains(&name.as_str()) {
                out.insert(name.clone(), self.rewrite(value, name, &hidden, &[]));
            }
        }
        let leaving: Vec<Value> = entries
            .iter()
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(entry, _)| self.rewrite_entry(entry, &hidden))
            .collect();
        let matches = entries.iter().zip(&kept).filter(|(entry, kept)| **kept && entry.is_match).count();
        if frame.contains_key("total") {
            out.insert("total".to_owned(), json!(matches));
        }
        if !leaving.is_empty() {
            out.insert("entry".to_owned(), Value::Array(leaving));
        }
        out.insert("link".to_owned(), json!([{"relation": "self", "url": self.shaping.self_link}]));
        Ok(Value::Object(out))
    }

    fn is_target(&self, entry: &Entry, reference: &str) -> bool {
        if reference.starts_with('#') {
            return false;
        }
        if entry.url.as_deref() == Some(reference) && (reference.starts_with("urn:") || self.local(reference).is_none())
        {
            return true;
        }
        self.local(reference).is_some_and(|path| {
            let mut segments = path.split('/');
            segments.next() == Some(&entry.kind) && segments.next() == Some(&entry.id)
        })
    }

    fn rewrite_entry(&self, entry: &Entry, hidden: &[&Entry]) -> Value {
        let mut out = Map::new();
        for (name, value) in entry.cut.as_ref().unwrap().as_object().unwrap() {
            if !["fullUrl", "link", "request", "response"].contains(&name.as_str()) {
                out.insert(name.clone(), self.rewrite(value, name, hidden, &entry.gone));
            }
        }
        let url = match &entry.url {
            Some(url) if url.starts_with("urn:uuid:") || url.starts_with("urn:oid:") => url.clone(),
            Some(_) | None => format!("{}/{}/{}", self.shaping.our_base, entry.kind, entry.id),
        };
        out.insert("fullUrl".to_owned(), Value::from(url));
        Value::Object(out)
    }

    /// A value as it leaves.
    fn rewrite(&self, value: &Value, name: &str, hidden: &[&Entry], gone: &[String]) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.rewrite(item, name, hidden, gone)).collect(),
            Value::String(text) if name == "reference" => Value::from(text.clone()),
            Value::String(text) => Value::from(self.hide_bsn(&self.hide_host(text))),
            Value::Object(members) => {
                let mut out = Map::new();
                for (member, value) in members {
                    out.insert(member.clone(), self.rewrite(value, member, hidden, gone));
                }
                self.rewrite_object(&mut out, members, name, hidden, gone);
                Value::Object(out)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn rewrite_object(
        &self,
        out: &mut Map<String, Value>,
        members: &Map<String, Value>,
        name: &str,
        hidden: &[&Entry],
        gone: &[String],
    ) {
        if is_bsn_identifier(members) && out.remove("value").is_some() && !out.contains_key("_value") {
            out.insert("_value".to_owned(), masked());
        }
        if name == "meta" && out.remove("source").is_some() && out.is_empty() {
            out.insert("_source".to_owned(), masked());
        }
        let attachments = [
            "attachment",
            "content",
            "contentAttachment",
            "image",
            "photo",
            "presentedForm",
            "sourceAttachment",
            "valueAttachment",
        ];
        if let Some(url) = members.get("url").and_then(Value::as_str).filter(|_| attachments.contains(&name)) {
            let is_at_his = url.starts_with(&format!("{}/", self.shaping.his_base));
            if (url.contains("://") || url.starts_with("//")) && !is_at_his {
                out.remove("url");
                if out.is_empty() {
                    out.insert("_url".to_owned(), masked());
                }
            }
        }
        if let Some(reference) = members.get("reference").and_then(Value::as_str) {
            let dangles = reference.strip_prefix('#').is_some_and(|id| gone.iter().any(|gone| gone == id));
            if dangles || hidden.iter().any(|entry| self.is_target(entry, reference)) {
                out.remove("display");
                out.remove("_display");
            }
            if let Some(path) = reference.strip_prefix(&format!("{}/", self.shaping.his_base)) {
                out.insert("reference".to_owned(), Value::from(format!("{}/{path}", self.shaping.our_base)));
            } else if dangles
                || reference.contains("://") && !reference.starts_with("urn:") && !reference.starts_with('#')
            {
                out.remove("reference");
                if out.is_empty() {
                    out.insert("_reference".to_owned(), masked());
                }
            }
        }
    }

    fn hide_bsn(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        while at < chars.len() {
            let is_fresh = at == 0 || !chars[at - 1].is_ascii_digit();
            let forms = [Some(self.bsn), self.bsn.strip_prefix('0')];
            // The nine digits first: only when they are not there at all is the form without a leading zero tried.
            let end = forms.into_iter().flatten().find_map(|digits| run(&chars, at, digits));
            let end = end.filter(|end| is_fresh && !chars.get(*end).is_some_and(char::is_ascii_digit));
            if let Some(end) = end {
                out.push_str("*********");
                at = end;
            } else {
                out.push(chars[at]);
                at += 1;
            }
        }
        out
    }

    fn hide_host(&self, text: &str) -> String {
        if !has_host(text) {
            return text.to_owned();
        }
        match text.strip_prefix(self.shaping.his_base) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                format!("{}{}", self.shaping.our_base, mask_hosts(rest))
            }
            Some(_) | None => mask_hosts(text),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// The resource of the entry itself.
    Own,
    /// The list `contained` of that resource, or an item of it.
    Contained,
    Else,
    Frame,
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text != "."
        && text != ".."
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "-._".contains(char))
}

fn is_bsn_identifier(members: &Map<String, Value>) -> bool {
    members
        .get("system")
        .and_then(Value::as_str)
        .is_some_and(|system| BSN_SYSTEMS.contains(&system.trim().trim_end_matches('/').to_ascii_lowercase().as_str()))
}

fn masked() -> Value {
    json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]})
}

fn tidy(resource: &mut Value, in_composition: bool) {
    let members = resource.as_object_mut().unwrap();
    if in_composition {
        members.remove("text");
    }
    let empties =
        members.get("meta").and_then(Value::as_object).is_some_and(|meta| meta.keys().all(|name| name == "source"));
    // Anything but an object has no members that could stay.
    if empties || members.get("meta").is_some_and(|meta| !meta.is_object()) {
        members.remove("meta");
    }
}

fn cut_sections(element: &mut Value) -> Judged<bool> {
    let Some(list) = element.get("section") else { return Ok(false) };
    let mut left = Vec::new();
    for section in list.as_array().ok_or("section")? {
        if !section.is_object() {
            return Err("section");
        }
        let (lines, others) = codes(section)?;
        let shows = if lines.is_empty() { others > 0 } else { lines.iter().all(|line| line == "E" || line == "P") };
        let mut section = section.clone();
        if !shows {
            continue;
        }
        if !cut_sections(&mut section)? {
            section.as_object_mut().unwrap().remove("section");
        }
        left.push(section);
    }
    let any = !left.is_empty();
    element["section"] = Value::Array(left);
    Ok(any)
}

/// The line types among the codings, in capitals, and how many complete codings of other systems there are.
fn codes(element: &Value) -> Judged<(Vec<String>, usize)> {
    let (mut lines, mut others) = (Vec::new(), 0);
    let Some(code) = element.get("code") else { return Ok((lines, others)) };
    let Some(codings) = code.as_object().ok_or("code")?.get("coding") else { return Ok((lines, others)) };
    for coding in codings.as_array().ok_or("coding")? {
        let coding = coding.as_object().ok_or("coding")?;
        let text = |name| coding.get(name).map(|value| value.as_str().ok_or("coding")).transpose();
        let (system, code) = (text("system")?, text("code")?.map(|code| code.trim().to_ascii_uppercase()));
        match (system, code) {
            (Some(system), code) if system.to_ascii_lowercase().contains("journaalregeltypen") => {
                lines.push(code.unwrap_or_default());
            }
            (Some(_), Some(_)) => others += 1,
            (None, Some(code)) if ["S", "O", "E", "P"].contains(&code.as_str()) => lines.push(code),
            (None | Some(_), _) => {}
        }
    }
    Ok((lines, others))
}

fn refuse_hidden_lines(value: &Value) -> Judged<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(refuse_hidden_lines),
        Value::Object(members) => {
            let codings = members.get("code").and_then(|code| code.get("coding")).and_then(Value::as_array);
            for coding in codings.into_iter().flatten().filter(|coding| coding.get("system").is_some()) {
                let single = json!({"code": {"coding": [coding]}});
                if codes(&single).is_ok_and(|(lines, _)| lines.iter().any(|line| line != "E" && line != "P")) {
                    return Err("hidden line");
                }
            }
            members.values().try_for_each(refuse_hidden_lines)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn is_effective_from(observation: &Value, first: &str) -> bool {
    let members = observation.as_object().unwrap();
    let mut moments = Vec::new();
    for name in ["effectiveDateTime", "effectiveInstant"] {
        moments.extend(members.get(name).cloned());
    }
    moments.extend(members.get("effectivePeriod").map(|period| period.get("start").cloned().unwrap_or_default()));
    !moments.is_empty() && moments.iter().all(|moment| moment.as_str().is_some_and(|moment| is_from(moment, first)))
}

/// ISO dates compare as text; a year or month stands for its first day.
fn is_from(moment: &str, first: &str) -> bool {
    let day = match moment.len() {
        4 => format!("{moment}-01-01"),
        7 => format!("{moment}-01"),
        10 => moment.to_owned(),
        _ if moment.get(10..11) == Some("T") && moment.get(13..14) == Some(":") => {
            let time: Vec<bool> =
                moment.get(11..16).unwrap_or_default().chars().map(|char| char.is_ascii_digit()).collect();
            if time != [true, true, false, true, true] {
                return false;
            }
            moment[..10].to_owned()
        }
        _ => return false,
    };
    let shape: String = day.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    shape == "0000-00-00" && day.parse::<jiff::civil::Date>().is_ok() && *day >= *first
}

fn collect_references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, out)),
        Value::Object(members) => {
            out.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect_references(value, out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn run(chars: &[char], start: usize, digits: &str) -> Option<usize> {
    let mut at = start;
    for digit in digits.chars() {
        if at > start && ['.', ' ', '-'].contains(chars.get(at)?) {
            at += 1;
        }
        if *chars.get(at)? != digit {
            return None;
        }
        at += 1;
    }
    Some(at)
}

fn has_host(text: &str) -> bool {
    mask_hosts(text) != text
}

fn mask_hosts(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut from) = (String::new(), 0);
    let touches = |char: Option<char>| char.is_some_and(|char| char.is_ascii_alphanumeric() || char == '-');
    for (at, _) in lower.match_indices(HIS_HOST) {
        let end = at + HIS_HOST.len();
        if !touches(lower[..at].chars().last()) && !touches(lower[end..].chars().next()) {
            out.push_str(&text[from..at]);
            out.push_str("***");
            from = end;
        }
    }
    out.push_str(&text[from..]);
    out
}
