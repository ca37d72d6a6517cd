//! A measurement that a person shares: read from a form, written as a batch of service 53, and what became of it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::trouble::Trouble;
use crate::form::single;
use crate::sandbox::client::new_id;

/// The data service that takes it.
pub(super) const SERVICE: &str = "53";
/// The system role that serves it.
pub(super) const ROLE: &str = "MM-2.0-MVO-FHIR";

/// Longest name that is sent, in characters.
const NAME_MAX: usize = 80;

/// What a person measured; at least one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measurement {
    name: String,
    /// In tenths of a kilogram.
    weight: Option<u16>,
    /// Systolic and diastolic, in mmHg.
    pressure: Option<[u16; 2]>,
}

/// What became of one entry of the batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) what: &'static str,
    pub(super) done: bool,
    /// As the gateway gave it.
    pub(super) status: String,
}

impl Measurement {
    /// Reads the form.
    ///
    /// # Errors
    /// When there is no name, nothing was measured, or a number is none that a person has.
    pub(super) fn read(fields: &[(String, String)]) -> Result<Self, Trouble> {
        let filled = |name| single(fields, name).map(str::trim).filter(|text| !text.is_empty());
        let name =
            filled("name").filter(|name| name.chars().count() <= NAME_MAX && !name.chars().any(char::is_control));
        let weight = filled("weight").map(|text| tenths(text).ok_or(Trouble::NoMeasurement)).transpose()?;
        let pressure = match (filled("high"), filled("low")) {
            (None, None) => None,
            (Some(high), Some(low)) => Some(pressure(high, low).ok_or(Trouble::NoMeasurement)?),
            _ => return Err(Trouble::NoMeasurement),
        };
        if weight.is_none() && pressure.is_none() {
            return Err(Trouble::NoMeasurement);
        }
        Ok(Self { name: name.ok_or(Trouble::NoMeasurement)?.to_owned(), weight, pressure })
    }

    /// The batch. The person stands in it under a number of this batch alone: the practice knows them from the token.
    pub(super) fn bundle(&self, now: Timestamp) -> Value {
        let person = format!("urn:uuid:{}", new_id());
        let patient = json!({
            "resourceType": "Patient",
            "meta": {"profile": ["http://fhir.nl/fhir/StructureDefinition/nl-core-patient"]},
            "name": [{"text": self.name}],
        });
        let observation = |(profile, code, display, values): (&str, &str, &str, Value)| {
            let subject = json!({"reference": person, "display": self.name});
            let mut observation = json!({
                "resourceType": "Observation",
                "meta": {"profile": [format!("http://nictiz.nl/fhir/StructureDefinition/{profile}")]},
                "status": "final",
                "category": [{"coding": [{"system": "http://hl7.org/fhir/observation-category", "code": "vital-signs",
                    "display": "Vital Signs"}]}],
                "code": loinc(code, display),
                "subject": subject,
                "effectiveDateTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "performer": [subject],
            });
            if let (Some(members), Value::Object(values)) = (observation.as_object_mut(), values) {
                members.extend(values);
            }
            entry(&format!("urn:uuid:{}", new_id()), &observation)
        };
        let measured = [self.weight.map(weighed), self.pressure.map(pressed)].into_iter().flatten();
        let entries: Vec<Value> = std::iter::once(entry(&person, &patient)).chain(measured.map(observation)).collect();
        json!({"resourceType": "Bundle", "type": "batch", "entry": entries})
    }

    /// Pairs what was sent with the answer to it, which has an entry for each that was sent, in the same order.
    pub(super) fn outcome(&self, answer: &Value) -> Vec<Entry> {
        let weight = self.weight.map(|_| "Gewicht");
        let pressure = self.pressure.map(|_| "Bloeddruk");
        let sent = [Some("Uw naam"), weight, pressure].into_iter().flatten();
        let answered = |at: usize| answer.pointer(&format!("/entry/{at}/response/status")).and_then(Value::as_str);
        let ended = |(at, what)| {
            let status = answered(at).unwrap_or("geen antwoord").to_owned();
            Entry { what, done: status.starts_with('2'), status }
        };
        sent.enumerate().map(ended).collect()
    }
}

fn entry(full_url: &str, resource: &Value) -> Value {
    let url = resource.get("resourceType");
    json!({"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": url}})
}

fn loinc(code: &str, display: &str) -> Value {
    json!({"coding": [{"system": "http://loinc.org", "code": code, "display": display}]})
}

fn quantity(value: &Value, unit: &str, code: &str) -> Value {
    json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": code})
}

/// Profile, code, name and value.
fn weighed(tenths: u16) -> (&'static str, &'static str, &'static str, Value) {
    let kilos = json!(f64::from(tenths) / 10.0);
    ("zib-BodyWeight", "29463-7", "Lichaamsgewicht", json!({"valueQuantity": quantity(&kilos, "kg", "kg")}))
}

fn pressed([high, low]: [u16; 2]) -> (&'static str, &'static str, &'static str, Value) {
    let component = |code, display, value: u16| json!({"code": loinc(code, display), "valueQuantity": quantity(&json!(value), "mmHg", "mm[Hg]")});
    let components =
        [component("8480-6", "Systolische bloeddruk", high), component("8462-4", "Diastolische bloeddruk", low)];
    ("zib-BloodPressure", "85354-9", "Bloeddruk", json!({"component": components}))
}

/// A weight of 1 to 500 kg, with at most one decimal after a comma or point, in tenths.
fn tenths(text: &str) -> Option<u16> {
    let (whole, tenth) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 3) || !digits(tenth, 1) {
        return None;
    }
    let tenths = whole.parse::<u16>().ok()?.checked_mul(10)?.checked_add(tenth.parse().ok()?)?;
    (10..=5000).contains(&tenths).then_some(tenths)
}

/// Two pressures of 20 to 300 mmHg, the higher one first.
fn pressure(high: &str, low: &str) -> Option<[u16; 2]> {
    let read = |text: &str| text.parse::<u16>().ok().filter(|pressure| (20..=300).contains(pressure));
    let (high, low) = (read(high)?, read(low)?);
    (high > low).then_some([high, low])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<Measurement, Trouble> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Measurement::read(&fields)
    }

    #[test]
    fn a_form_is_a_measurement_or_nothing() {
        let both = read(&[("name", "A. de Vries"), ("weight", "80,5"), ("high", "134"), ("low", "79")]).unwrap();
        assert_eq!((both.weight, both.pressure), (Some(805), Some([134, 79])));
        assert_eq!(read(&[("name", "A"), ("weight", "80.5"), ("high", "")]).unwrap().weight, Some(805));
        for wrong in [
            &[("weight", "80")][..],
            &[("name", "A")],
            &[("name", "A"), ("weight", "0")],
            &[("name", "A"), ("weight", "80,55")],
            &[("name", "A"), ("weight", "-1")],
            &[("name", "A"), ("high", "134")],
            &[("name", "A"), ("high", "79"), ("low", "134")],
            &[("name", "A\u{0}"), ("weight", "80")],
        ] {
            assert_eq!(read(wrong), Err(Trouble::NoMeasurement), "{wrong:?}");
        }
    }

    #[test]
    fn each_entry_has_its_own_end() {
        let both = read(&[("name", "A"), ("weight", "80"), ("high", "134"), ("low", "79")]).unwrap();
        let answer = json!({"entry": [{"response": {"status": "200 OK"}}, {"response": {"status": "201 Created"}},
            {"response": {"status": "422 Unprocessable Entity"}}]});
        let ends: Vec<_> = both.outcome(&answer).into_iter().map(|entry| (entry.what, entry.done)).collect();
        assert_eq!(ends, [("Uw naam", true), ("Gewicht", true), ("Bloeddruk", false)]);
        assert!(both.outcome(&json!(null)).iter().all(|entry| !entry.done));
    }

    proptest! {
        #[test]
        fn no_number_panics(weight in "[0-9,.]{0,8}|\\PC{0,8}", high in "[0-9]{0,6}", low in "\\PC{0,6}") {
            let _ = read(&[("name", "A"), ("weight", &weight), ("high", &high), ("low", &low)]);
        }
    }
}
