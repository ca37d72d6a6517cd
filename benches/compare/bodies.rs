//! What the emulated HIS of the comparison answers: searchsets of fixed sizes about one invented person, made of the shipped
//! records under new ids, with what a patient may see and what not; and documents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use inzage::availability::dutch_today;
use inzage::clock::{Clock as _, SystemClock};
use inzage::medmij::Bsn;
use inzage::sandbox::his::Records;
use inzage::sandbox::his::store::resource_text;
use inzage::sandbox::records;
use serde_json::{Value, json};

/// Sizes of the searchsets, in bytes.
pub(crate) const SMALL: usize = 2048;
pub(crate) const MIDDLE: usize = 8192;
pub(crate) const LARGE: usize = 470_000;
/// Sizes of the documents, in bytes.
pub(crate) const PDF_SMALL: usize = 1 << 20;
pub(crate) const PDF_LARGE: usize = 20_000_000;

const WORDS: &str = "De klachten zijn afgenomen en er is afgesproken over drie maanden opnieuw te kijken. ";

/// All answers, ready to send.
pub(crate) struct Bodies {
    pub(crate) patient: Bytes,
    /// Encounters: nothing is hidden but other references.
    pub(crate) small: Bytes,
    /// Reports of contacts: the S and O lines and the narrative are hidden.
    pub(crate) middle: Bytes,
    /// Results and journal lines: what is too old, and S and O lines, are hidden.
    pub(crate) large: Bytes,
    /// The list of documents.
    pub(crate) documents: Bytes,
    pub(crate) pdf_small: Bytes,
    pub(crate) pdf_large: Bytes,
    pub(crate) nothing: Bytes,
}

/// The person whose record is asked for.
pub(crate) struct Person {
    pub(crate) bsn: Bsn,
    pub(crate) id: String,
}

struct Maker {
    base: String,
    records: Records,
    person: Person,
}

impl Bodies {
    /// As the HIS at this base URL has them.
    pub(crate) fn new(base: &str) -> Self {
        let maker = Maker { base: base.to_owned(), records: of_practice(), person: person() };
        let patient = maker.records.find("Patient", &maker.person.id).unwrap().value().clone();
        Self {
            patient: maker.searchset("Patient", &[patient]),
            small: maker.sized("Encounter", SMALL),
            middle: maker.sized("Composition", MIDDLE),
            large: maker.sized("Observation", LARGE),
            documents: maker.documents(),
            pdf_small: pdf(PDF_SMALL),
            pdf_large: pdf(PDF_LARGE),
            nothing: maker.searchset("Flag", &[]),
        }
    }
}

/// The first patient of the first shipped practice.
pub(crate) fn person() -> Person {
    let practice = records::shipped(dutch_today(SystemClock.now())).into_iter().next().unwrap();
    let bsn = practice.patients[0].bsn.clone();
    let found = of_practice().patients().find(|patient| patient.bsn == bsn).unwrap();
    Person { bsn, id: found.id }
}

fn of_practice() -> Records {
    let practice = records::shipped(dutch_today(SystemClock.now())).into_iter().next().unwrap();
    Records::from_resources(practice.resources).unwrap()
}

impl Maker {
    fn own(&self, kind: &str) -> Vec<Value> {
        self.records.naming_patient(kind, &self.person.id).map(|found| found.value().clone()).collect()
    }

    /// As many resources of a type as fit into a size; the narrative of the last is as long as is left.
    fn sized(&self, kind: &str, size: usize) -> Bytes {
        let own = self.own(kind);
        let copy = |number: usize| {
            let mut copy = own[number % own.len()].clone();
            copy["id"] = json!(format!("{}-{number}", copy["id"].as_str().unwrap()));
            if number % 10 == 9 {
                // Some systems repeat the BSN and link to themselves.
                copy["meta"]["source"] = json!(format!("{}/metadata", self.base));
                copy["identifier"] = json!([{"system": Bsn::SYSTEM, "value": self.person.bsn.reveal()}]);
            }
            copy
        };
        let mut fitting = Vec::new();
        while self.searchset(kind, &fitting).len() <= size {
            // Large answers grow by many at once: each look at the size writes all of it.
            let more = (size / MIDDLE).max(1);
            fitting.extend((fitting.len()..fitting.len() + more).map(copy));
        }
        while self.searchset(kind, &fitting).len() > size {
            fitting.pop();
        }
        let left = size - self.searchset(kind, &fitting).len();
        let words: String = WORDS.chars().filter(char::is_ascii).cycle().take(left).collect();
        let last = fitting.last_mut().unwrap();
        let narrative = last["text"]["div"].as_str().unwrap().replace("</div>", &format!("{words}</div>"));
        last["text"]["div"] = json!(narrative);
        let made = self.searchset(kind, &fitting);
        assert_eq!(made.len(), size);
        made
    }

    fn searchset(&self, kind: &str, resources: &[Value]) -> Bytes {
        let entries: Vec<String> = resources
            .iter()
            .map(|resource| {
                let (id, text) = (resource["id"].as_str().unwrap(), resource_text(resource).unwrap());
                format!(r#"{{"fullUrl":"{}/{kind}/{id}","resource":{text},"search":{{"mode":"match"}}}}"#, self.base)
            })
            .collect();
        let link = format!(r#"[{{"relation":"self","url":"{}/{kind}"}}]"#, self.base);
        let (total, entries) = (resources.len(), entries.join(","));
        let entry = if resources.is_empty() { String::new() } else { format!(r#","entry":[{entries}]"#) };
        Bytes::from(format!(r#"{{"resourceType":"Bundle","type":"searchset","total":{total},"link":{link}{entry}}}"#))
    }

    fn documents(&self) -> Bytes {
        let named = |id: &str, size: usize| {
            json!({
                "resourceType": "DocumentReference", "id": format!("brief-{id}"), "status": "current",
                "indexed": "2026-03-02T09:00:00+01:00",
                "subject": {"reference": format!("Patient/{}", self.person.id)},
                "content": [{"attachment": {"contentType": "application/pdf", "url": format!("Binary/{id}"), "size": size}}],
            })
        };
        self.searchset("DocumentReference", &[named("pdf-1m", PDF_SMALL), named("pdf-20m", PDF_LARGE)])
    }
}

/// Bytes of a document: its beginning is what a reader looks at, and nobody looks further.
fn pdf(size: usize) -> Bytes {
    let line = STANDARD.encode(inzage::secret::sha256(b"a line of the document"));
    let mut text = b"%PDF-1.7\n".to_vec();
    text.extend(line.bytes().cycle().take(size - text.len()));
    Bytes::from(text)
}
