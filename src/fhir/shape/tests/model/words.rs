//! What the model needs to know of single values.

use serde_json::{Map, Value, json};

use super::super::HIS_HOST;

pub(in super::super) type Judged<T> = Result<T, &'static str>;

const BSN_SYSTEMS: [&str; 4] = [
    "http://fhir.nl/fhir/namingsystem/bsn",
    "https://fhir.nl/fhir/namingsystem/bsn",
    "urn:oid:2.16.840.1.113883.2.4.6.3",
    "2.16.840.1.113883.2.4.6.3",
];

pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text != "."
        && text != ".."
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "-._".contains(char))
}

pub(super) fn is_bsn_identifier(members: &Map<String, Value>) -> bool {
    members
        .get("system")
        .and_then(Value::as_str)
        .is_some_and(|system| BSN_SYSTEMS.contains(&system.trim().trim_end_matches('/').to_ascii_lowercase().as_str()))
}

pub(super) fn masked() -> Value {
    json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]})
}

pub(super) fn tidy(resource: &mut Value, in_composition: bool) {
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

pub(super) fn cut_sections(element: &mut Value, is_nested: bool) -> Judged<bool> {
    let Some(list) = element.get("section") else { return Ok(false) };
    let mut left = Vec::new();
    for section in list.as_array().ok_or("section")? {
        if !section.is_object() {
            return Err("section");
        }
        let (lines, others) = codes(section)?;
        let shows = if lines.is_empty() {
            others > 0 && is_nested
        } else {
            lines.iter().all(|line| line == "E" || line == "P")
        };
        let shows = shows && !says_hidden(section.get("title"));
        let mut section = section.clone();
        if !shows {
            continue;
        }
        if !cut_sections(&mut section, true)? {
            section.as_object_mut().unwrap().remove("section");
        }
        left.push(section);
    }
    let any = !left.is_empty();
    element["section"] = Value::Array(left);
    Ok(any)
}

/// The line types among the codings, in capitals, and how many complete codings of other systems there are.
pub(super) fn codes(element: &Value) -> Judged<(Vec<String>, usize)> {
    let (mut lines, mut others) = (Vec::new(), 0);
    let Some(code) = element.get("code") else { return Ok((lines, others)) };
    if says_hidden(code.get("text")) {
        lines.push("S".to_owned());
    }
    let Some(codings) = code.as_object().ok_or("code")?.get("coding") else { return Ok((lines, others)) };
    for coding in codings.as_array().ok_or("coding")? {
        let coding = coding.as_object().ok_or("coding")?;
        let text = |name| coding.get(name).map(|value| value.as_str().ok_or("coding")).transpose();
        let (system, code) = (text("system")?, text("code")?.map(|code| code.trim().to_ascii_uppercase()));
        let is_hidden = says_hidden(coding.get("code")) || says_hidden(coding.get("display"));
        match (system, code) {
            (_, _) if is_hidden => lines.push("S".to_owned()),
            (_, Some(code)) if ["E", "P"].contains(&code.as_str()) => lines.push(code),
            (Some(system), code) if system.to_ascii_lowercase().contains("journaalregeltypen") => {
                lines.push(code.unwrap_or_default());
            }
            (Some(_), Some(_)) => others += 1,
            (None | Some(_), _) => {}
        }
    }
    Ok((lines, others))
}

/// Whether a text, without its signs, is a name of S or O.
pub(super) fn says_hidden(text: Option<&Value>) -> bool {
    let name: String =
        text.and_then(Value::as_str).unwrap_or_default().chars().filter(|char| char.is_alphanumeric()).collect();
    ["s", "o", "subjectief", "objectief", "subjective", "objective", "611509", "611491"]
        .contains(&name.to_ascii_lowercase().as_str())
}

pub(super) fn refuse_hidden_lines(value: &Value) -> Judged<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(refuse_hidden_lines),
        Value::Object(members) => {
            let codings = members.get("code").and_then(|code| code.get("coding")).and_then(Value::as_array);
            if says_hidden(members.get("code").and_then(|code| code.get("text"))) {
                return Err("hidden line in words");
            }
            let system = members.get("system").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            let is_shown = ["E", "P"].contains(&text_or_nothing(members.get("code")).trim().to_uppercase().as_str());
            if system.contains("journaalregeltypen") && (!is_shown || says_hidden(members.get("display"))) {
                return Err("hidden coding");
            }
            for coding in codings.into_iter().flatten() {
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

fn text_or_nothing(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn is_effective_from(observation: &Value, first: &str) -> bool {
    let members = observation.as_object().unwrap();
    let mut moments = Vec::new();
    for name in ["effectiveDateTime", "effectiveInstant"] {
        moments.extend(members.get(name).cloned());
    }
    moments.extend(members.get("effectiveTiming").map(|_| Value::Null));
    moments.extend(members.get("effectivePeriod").map(|period| period.get("start").cloned().unwrap_or_default()));
    !moments.is_empty() && moments.iter().all(|moment| moment.as_str().is_some_and(|moment| is_from(moment, first)))
}

/// ISO dates compare as text; a year or month stands for its first day.
pub(super) fn is_from(moment: &str, first: &str) -> bool {
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

pub(super) fn collect_references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, out)),
        Value::Object(members) => {
            out.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect_references(value, out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The ASCII form of a digit, full-width or not.
pub(super) fn narrow(char: char) -> Option<char> {
    match char {
        '0'..='9' => Some(char),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(char) - 0xff10, 10),
        _ => None,
    }
}

pub(super) fn run(chars: &[char], start: usize, digits: &str) -> Option<usize> {
    let mut at = start;
    for digit in digits.chars() {
        for _ in 0..4 {
            let rest = &chars[at..];
            let enclosed = |close: char, longest: usize| {
                let text: String = rest.iter().collect();
                let end = text.find(close).filter(|end| *end < longest);
                let end = end.filter(|end| !text[1..*end].contains(rest[0]));
                end.map_or(1, |end| text[..end].chars().count() + 1)
            };
            at += match rest.first() {
                _ if at == start => 0,
                Some('<') => enclosed('>', 256),
                Some('&') => enclosed(';', 10),
                Some(char) if !char.is_alphanumeric() && *char != ':' => 1,
                Some(_) | None => 0,
            };
        }
        if narrow(*chars.get(at)?) != Some(digit) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

pub(super) fn has_host(text: &str) -> bool {
    mask_hosts(text) != text
}

pub(super) fn mask_hosts(text: &str) -> String {
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
