//! The rules once more, written the slow and obvious way on parsed values, to hold the shaper against.

mod faults;
mod texts;
pub(super) mod words;

use serde_json::{Map, Value, json};

use super::super::{Page, Shaping, ShownEpisodes};
use super::next_link;
use crate::services::Rule;
use faults::{Inside, check_outcome};
use words::{
    Judged, codes, collect_references, cut_sections, has_host, is_bsn_identifier, is_effective_from, is_from, is_id,
    masked, refuse_hidden_lines, tidy,
};

/// The Bundle that should leave, or why none may.
pub(super) fn shape(bundle: &Value, shaping: &Shaping<'_>) -> Judged<Value> {
    Model { shaping: *shaping, bsn: shaping.record.bsn.reveal() }.bundle(bundle)
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

/// Whether these are the members of an attachment whose address leads elsewhere.
fn is_outside_attachment(members: &Map<String, Value>, name: &str, his_base: &str) -> bool {
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
    let Some(url) = members.get("url").and_then(Value::as_str).filter(|_| attachments.contains(&name)) else {
        return false;
    };
    let is_at_his = url.starts_with(&format!("{his_base}/"));
    let is_urn = url.starts_with("urn:uuid:") || url.starts_with("urn:oid:");
    // The generator writes a colon before the first slash in a scheme only.
    let start = url.split(['/', '?', '#']).next().unwrap_or_default();
    let is_elsewhere =
        start.is_empty() || start.contains([':', '\\']) || url.contains(|char: char| char.is_control() || char == ' ');
    is_elsewhere && !is_at_his && !is_urn
}

/// The entries by what becomes of them.
struct Fates<'a> {
    hidden: Vec<&'a Entry>,
    shown: Vec<&'a Entry>,
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
        let next = self.next_page(members.get("link"))?;
        let is_one_of_many = next.is_some() || self.shaping.page == Page::Later;
        if let Some(total) = members.get("total") {
            let present = members.get("entry").and_then(Value::as_array).map_or(0, Vec::len);
            if total.as_u64().ok_or("total")? > present as u64 && !is_one_of_many {
                return Err("incomplete");
            }
        }
        for (name, value) in members {
            if ["implicitRules", "language"].contains(&name.as_str()) {
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
        let mut out = self.assemble(members, &entries);
        let members = out.as_object_mut().ok_or("no object")?;
        if is_one_of_many {
            members.remove("total");
        }
        let links = members["link"].as_array_mut().ok_or("link")?;
        links.extend(next.map(|url| json!({"relation": "next", "url": next_link(&url)})));
        Ok(out)
    }

    fn next_page(&self, links: Option<&Value>) -> Judged<Option<String>> {
        let mut found = Vec::new();
        for link in links.map_or(Ok(&Vec::new()), |links| links.as_array().ok_or("link"))? {
            let relation = text(link, "relation").ok_or("relation")?.to_ascii_lowercase();
            let mut words = relation.split(|char: char| !char.is_ascii_alphanumeric());
            if words.any(|word| word == "next") {
                found.push(text(link, "url").ok_or("no address")?);
            }
        }
        let Some(url) = found.pop() else { return Ok(None) };
        let base = self.shaping.record.his_base;
        let is_below = [format!("{base}/"), format!("{base}?")].iter().any(|start| url.starts_with(start));
        if !found.is_empty() || !is_below || url.contains("/..") || url.contains(' ') || self.hide_bsn(&url) != url {
            return Err("next page");
        }
        Ok(Some(url))
    }

    fn entry(&self, entry: &Value) -> Judged<Option<Entry>> {
        let resource = entry.get("resource").ok_or("resource")?;
        let kind = text(resource, "resourceType").ok_or("type")?;
        if kind == "OperationOutcome" {
            check_outcome(resource)?;
            return Ok(None);
        }
        let mode = self.mode(entry, &kind)?;
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
        if url.as_ref().is_some_and(|url| url.starts_with("urn:") && has_host(url)) {
            return Err("host in urn");
        }
        if kind == "Patient" {
            let path = url.as_deref().filter(|url| !url.starts_with("urn:")).unwrap_or(&id);
            let path = path.split("/_history/").next().unwrap_or_default();
            if id != self.shaping.record.patient_id || path.split('/').next_back() != Some(&id) {
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

    fn mode(&self, entry: &Value, kind: &str) -> Judged<String> {
        let mode = match entry.get("search") {
            None => None,
            Some(Value::Object(search)) => {
                search.get("mode").map(|mode| mode.as_str().ok_or("mode").map(str::to_owned)).transpose()?
            }
            Some(_) => return Err("search"),
        };
        let came_along = kind != self.shaping.resource && self.shaping.includes.contains(&kind);
        Ok(mode.unwrap_or_else(|| if came_along { "include" } else { "match" }.to_owned()))
    }

    /// Type and id, for a target at the HIS.
    fn local(&self, reference: &str) -> Option<String> {
        if let Some(path) = reference.strip_prefix(&format!("{}/", self.shaping.record.his_base)) {
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
        if kind == "Composition" && !cut_sections(&mut resource, false)? {
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
        let holds = |rule| rules.applied.contains(&rule);
        Ok(match kind {
            "Composition" => text(resource, "date").is_some_and(|date| is_from(&date, &start)),
            "EpisodeOfCare" if !holds(Rule::ClosedEpisodes) => true,
            "AllergyIntolerance" if !holds(Rule::MedicationIntolerances) => true,
            "MedicationRequest" | "MedicationStatement" if !holds(Rule::MedicationInUse) => true,
            "EpisodeOfCare" => match text(resource, "status").as_deref() {
                Some("active" | "planned" | "waitlist" | "onhold") => true,
                Some("entered-in-error") | None => false,
                Some(_) => match &rules.closed_episodes {
                    ShownEpisodes::All => true,
                    ShownEpisodes::Only(shown) => shown.contains(id),
                },
            },
            "Observation" => {
                let (mut lines, _) = codes(resource)?;
                for category in resource.get("category").and_then(Value::as_array).into_iter().flatten() {
                    if refuse_hidden_lines(&json!({"code": category})).is_err() {
                        lines.push("S".to_owned());
                    }
                }
                let profiles = resource.get("meta").and_then(|meta| meta.get("profile")).and_then(Value::as_array);
                let has_profile = profiles.is_some_and(|profiles| {
                    profiles.iter().any(|it| it.as_str().is_none_or(|it| it.to_lowercase().contains("gp-journalentry")))
                });
                if lines.is_empty() {
                    let is_recent = is_effective_from(resource, &rules.results_since.to_string());
                    !has_profile && (is_recent || !holds(Rule::ResultsPeriod))
                } else {
                    lines.iter().all(|line| line == "E" || line == "P") && is_effective_from(resource, &start)
                }
            }
            "MedicationRequest" | "MedicationStatement" => {
                let own = resource.get("effectivePeriod").and_then(|period| period.get("end"));
                let lasts =
                    own.is_none_or(|end| end.as_str().is_some_and(|end| is_from(end, &rules.today.to_string())));
                let extensions = resource.get("extension").and_then(Value::as_array);
                lasts
                    && extensions.into_iter().flatten().all(|extension| {
                        let url = extension.get("url").and_then(Value::as_str).unwrap_or("zib-medication-periodofuse");
                        let end = extension.get("valuePeriod").map(|period| period.get("end"));
                        !url.to_lowercase().contains("zib-medication-periodofuse")
                            || match end {
                                // The model knows whole days only; that is all the generator writes.
                                Some(Some(end)) => {
                                    end.as_str().is_some_and(|end| is_from(end, &rules.today.to_string()))
                                }
                                Some(None) => true,
                                None => false,
                            }
                    })
            }
            "AllergyIntolerance" => {
                let categories = resource.get("category").and_then(Value::as_array);
                categories.is_some_and(|categories| categories.iter().any(|category| category == "medication"))
            }
            _ => true,
        })
    }

    fn assemble(&self, frame: &Map<String, Value>, entries: &[Entry]) -> Value {
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
                .map(|(entry, kept)| *kept || (entry.cut.is_some() && wanted.iter().any(|it| self.is_named(entry, it))))
                .collect();
            if next == kept {
                break;
            }
            kept = next;
        }
        let of_fate = |wanted: bool| -> Vec<&Entry> {
            entries.iter().zip(&kept).filter(|(_, kept)| **kept == wanted).map(|(entry, _)| entry).collect()
        };
        let fates = Fates { hidden: of_fate(false), shown: of_fate(true) };
        let mut out = Map::new();
        for (name, value) in frame {
            if ["resourceType", "type", "implicitRules", "language"].contains(&name.as_str()) {
                out.insert(name.clone(), self.rewrite(value, name, &fates, &[]));
            }
        }
        let leaving: Vec<Value> = entries
            .iter()
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(entry, _)| self.rewrite_entry(entry, &fates))
            .collect();
        let matches = entries.iter().zip(&kept).filter(|(entry, kept)| **kept && entry.is_match).count();
        if frame.contains_key("total") {
            out.insert("total".to_owned(), json!(matches));
        }
        if !leaving.is_empty() {
            out.insert("entry".to_owned(), Value::Array(leaving));
        }
        out.insert("link".to_owned(), json!([{"relation": "self", "url": self.shaping.self_link}]));
        Value::Object(out)
    }

    /// Whether the reference brings the entry along.
    fn is_named(&self, entry: &Entry, reference: &str) -> bool {
        let is_certain = reference.starts_with("urn:") || self.local(reference).is_some();
        self.is_target(entry, reference)
            && (is_certain || reference.ends_with(&format!("/{}/{}", entry.kind, entry.id)))
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

    fn rewrite_entry(&self, entry: &Entry, fates: &Fates<'_>) -> Value {
        let mut out = Map::new();
        for (name, value) in entry.cut.as_ref().unwrap().as_object().unwrap() {
            if !["fullUrl", "link", "request", "response"].contains(&name.as_str()) {
                out.insert(name.clone(), self.rewrite(value, name, fates, &entry.gone));
            }
        }
        let url = match &entry.url {
            Some(url) if url.starts_with("urn:uuid:") || url.starts_with("urn:oid:") => url.clone(),
            Some(_) | None => format!("{}/{}/{}", self.shaping.record.our_base, entry.kind, entry.id),
        };
        out.insert("fullUrl".to_owned(), Value::from(url));
        Value::Object(out)
    }

    /// A value as it leaves.
    fn rewrite(&self, value: &Value, name: &str, fates: &Fates<'_>, gone: &[String]) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.rewrite(item, name, fates, gone)).collect(),
            Value::String(text) if name == "reference" => Value::from(text.clone()),
            Value::String(text) => Value::from(self.hide_bsn(&self.hide_host(text))),
            Value::Object(members) => {
                let mut out = Map::new();
                for (member, value) in members {
                    out.insert(member.clone(), self.rewrite(value, member, fates, gone));
                }
                self.rewrite_object(&mut out, members, name, fates, gone);
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
        fates: &Fates<'_>,
        gone: &[String],
    ) {
        if is_bsn_identifier(members) && out.remove("value").is_some() && !out.contains_key("_value") {
            out.insert("_value".to_owned(), masked());
        }
        if name == "meta" && out.remove("source").is_some() && out.is_empty() {
            out.insert("_source".to_owned(), masked());
        }
        if is_outside_attachment(members, name, self.shaping.record.his_base)
            && out.remove("url").is_some()
            && out.is_empty()
        {
            out.insert("_url".to_owned(), masked());
        }
        if let Some(reference) = members.get("reference").and_then(Value::as_str) {
            let dangles = reference.strip_prefix('#').is_some_and(|id| gone.iter().any(|gone| gone == id));
            let is_outside = reference.contains("://")
                && !reference.starts_with("urn:")
                && !reference.starts_with('#')
                && !reference.starts_with(&format!("{}/", self.shaping.record.his_base));
            let found = fates.shown.iter().filter(|_| is_outside).find(|entry| self.is_named(entry, reference));
            let is_episode = |path: &str| path.starts_with("EpisodeOfCare/");
            if dangles || fates.hidden.iter().any(|entry| self.is_target(entry, reference)) {
                out.remove("display");
                out.remove("_display");
            } else if self.shaping.resource != "EpisodeOfCare"
                && (self.local(reference).is_some_and(|path| is_episode(&path))
                    || found.is_some_and(|entry| entry.kind == "EpisodeOfCare"))
            {
                if out.contains_key("display") {
                    out.insert("display".to_owned(), json!("Zorgepisode"));
                }
                if out.contains_key("_display") {
                    out.insert("_display".to_owned(), masked());
                }
            }
            if let Some(path) = reference.strip_prefix(&format!("{}/", self.shaping.record.his_base)) {
                out.insert("reference".to_owned(), Value::from(format!("{}/{path}", self.shaping.record.our_base)));
            } else if let Some(entry) = found {
                let path = format!("{}/{}/{}", self.shaping.record.our_base, entry.kind, entry.id);
                out.insert("reference".to_owned(), Value::from(path));
            } else if dangles || is_outside && name != "education" {
                out.remove("reference");
                if out.is_empty() {
                    out.insert("_reference".to_owned(), masked());
                }
            }
        }
    }
}
