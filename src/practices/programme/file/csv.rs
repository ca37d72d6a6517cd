//! The entries of one kind as a table (RFC 4180).

use super::cells::{Cells, Read};
use super::{FAULTS_MAX, Fault, Line};
use crate::medmij::ProviderName;
use crate::practices::programme::draft::{Entry, EntryKind};
use crate::practices::programme::entry::{
    Coalition, Exception, Function, Membership, Organisation, Practice, Proof, Staff, Supplier, System,
};
use crate::practices::programme::registry::Register;
use crate::practices::programme::words::{Agb, Day, Id, Text};

const SUPPLIER: &[&str] = &["id", "version", "name"];
const ORGANISATION: &[&str] = &["id", "version", "name", "kind"];
const PRACTICE: &[&str] = &[
    "provider",
    "version",
    "agb",
    "name",
    "place",
    "patients",
    "patients_16",
    "supplier",
    "installation",
    "system_version",
    "access_start",
    "coalitions",
    "gp",
    "poh",
    "manager",
    "assistant",
    "informed_on",
    "informed_evidence",
    "conforms_on",
    "conforms_evidence",
];
const COALITION: &[&str] = &[
    "id",
    "version",
    "name",
    "lead",
    "organisations",
    "exception",
    "exception_ground",
    "tasks_on",
    "tasks_evidence",
    "agreement_on",
    "agreement_evidence",
    "registered_on",
    "registered_evidence",
    "subsidy_on",
    "subsidy_evidence",
    "activities_on",
    "activities_evidence",
    "finished_on",
    "finished_evidence",
];

const fn columns(kind: EntryKind) -> &'static [&'static str] {
    match kind {
        EntryKind::Supplier => SUPPLIER,
        EntryKind::Organisation => ORGANISATION,
        EntryKind::Practice => PRACTICE,
        EntryKind::Coalition => COALITION,
    }
}

/// The cells of an entry with the names of their columns; those of a new one are empty.
pub(super) fn fields(kind: EntryKind, entry: Option<(&Entry, u32)>) -> Vec<(&'static str, String)> {
    let columns = columns(kind);
    let cells = entry.map(|(entry, version)| row(entry, version.to_string()));
    let cells = cells.unwrap_or_else(|| vec![String::new(); columns.len()]);
    columns.iter().copied().zip(cells).collect()
}

/// An entry from its cells, or the column of each fault and what was expected there.
pub(super) fn read_fields(kind: EntryKind, cells: &[String]) -> Result<Line, Vec<(&'static str, String)>> {
    let (columns, mut faults) = (columns(kind), Vec::new());
    let record = csv::StringRecord::from(cells.to_vec());
    let read = entry(kind, &mut Cells { columns, record: &record, line: 1, faults: &mut faults });
    let named = |fault: Fault| {
        let column = usize::try_from(fault.column).ok().and_then(|column| columns.get(column.checked_sub(1)?));
        let column = column.copied().unwrap_or_default();
        (column, fault.expected.trim_start_matches(column).trim_start_matches(": ").to_owned())
    };
    match read {
        Ok(line) if faults.is_empty() => Ok(line),
        Ok(_) | Err(_) => Err(faults.into_iter().map(named).collect()),
    }
}

pub(super) fn read(kind: EntryKind, text: &str) -> Result<Vec<Line>, Vec<Fault>> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let columns = columns(kind);
    if !reader.headers().is_ok_and(|found| found.iter().map(str::trim).eq(columns.iter().copied())) {
        return Err(vec![Fault { line: 1, column: 1, expected: format!("the columns {}", columns.join(",")) }]);
    }
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(uneven(text, &error, columns.len()));
                continue;
            }
        };
        let line = line(text, record.position());
        let mut cells = Cells { columns, record: &record, line, faults: &mut faults };
        lines.extend(entry(kind, &mut cells).ok());
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(lines) } else { Err(faults) }
}

/// The line on which a record begins. Its position is that of the empty lines before it, when there are any.
fn line(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let empty = rest.bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| *byte == b'\n').count();
    position.line().saturating_add(u64::try_from(empty).unwrap_or_default())
}

/// A line with too few or too many cells.
fn uneven(text: &str, error: &csv::Error, cells: usize) -> Fault {
    Fault {
        line: line(text, error.position()),
        column: 1,
        expected: format!("{cells} cells, as the line of columns has"),
    }
}

/// Every cell is read, so that every fault is noted, before one that is missing ends it.
fn entry(kind: EntryKind, cells: &mut Cells<'_>) -> Read<Line> {
    let made_from = cells.number("version");
    let entry = match kind {
        EntryKind::Supplier => supplier(cells),
        EntryKind::Organisation => organisation(cells),
        EntryKind::Practice => practice(cells),
        EntryKind::Coalition => coalition(cells),
    };
    Ok(Line { line: cells.line, made_from: made_from?, entry: entry? })
}

fn supplier(cells: &mut Cells<'_>) -> Read<Entry> {
    let (id, name) = (cells.needed("id", Id::parse), cells.needed("name", Text::parse));
    Ok(Entry::Supplier(Supplier { id: id?, name: name? }))
}

fn organisation(cells: &mut Cells<'_>) -> Read<Entry> {
    let (id, name) = (cells.needed("id", Id::parse), cells.needed("name", Text::parse));
    let kind = cells.word("kind", "care-group, health-centres, cooperative or lhv-circle");
    let kind = kind.and_then(|kind| cells.filled("kind", kind));
    Ok(Entry::Organisation(Organisation { id: id?, name: name?, kind: kind? }))
}

fn practice(cells: &mut Cells<'_>) -> Read<Entry> {
    let provider = cells.needed("provider", ProviderName::parse);
    let agb = cells.needed("agb", Agb::parse);
    let (name, place) = (cells.needed("name", Text::parse), cells.needed("place", Text::parse));
    let mut number = |column| cells.number(column).and_then(|number| cells.filled(column, number));
    let (patients, patients_16) = (number("patients"), number("patients_16"));
    let system = system(cells);
    let access_start = cells.optional("access_start", Day::parse);
    let memberships = cells.memberships("coalitions");
    let staff = staff(cells);
    let informed = cells.proof("informed_on", "informed_evidence");
    let conforms = cells.proof("conforms_on", "conforms_evidence");
    Ok(Entry::Practice(Box::new(Practice {
        provider: provider?,
        agb: agb?,
        name: name?,
        place: place?,
        patients: patients?,
        patients_16: patients_16?,
        system: system?,
        access_start: access_start?,
        memberships: memberships?,
        staff: staff?,
        informed: informed?,
        conforms: conforms?,
    })))
}

fn system(cells: &mut Cells<'_>) -> Read<System> {
    let supplier = cells.needed("supplier", Id::parse);
    let installation = cells.needed("installation", Id::parse);
    let version = cells.needed("system_version", Text::parse);
    Ok(System { supplier: supplier?, installation: installation?, version: version? })
}

fn staff(cells: &mut Cells<'_>) -> Read<Staff> {
    let [gp, poh, manager, assistant] = ["gp", "poh", "manager", "assistant"].map(|column| cells.function(column));
    Ok(Staff { gp: gp?, poh: poh?, manager: manager?, assistant: assistant? })
}

fn coalition(cells: &mut Cells<'_>) -> Read<Entry> {
    let (id, name) = (cells.needed("id", Id::parse), cells.needed("name", Text::parse));
    let (lead, organisations) = (cells.needed("lead", Id::parse), cells.ids("organisations"));
    let exception = exception(cells);
    let tasks = cells.proof("tasks_on", "tasks_evidence");
    let agreement = cells.proof("agreement_on", "agreement_evidence");
    let registered = cells.proof("registered_on", "registered_evidence");
    let subsidy = cells.proof("subsidy_on", "subsidy_evidence");
    let activities = cells.proof("activities_on", "activities_evidence");
    let finished = cells.proof("finished_on", "finished_evidence");
    Ok(Entry::Coalition(Box::new(Coalition {
        id: id?,
        name: name?,
        lead: lead?,
        organisations: organisations?,
        exception: exception?,
        tasks: tasks?,
        agreement: agreement?,
        registered: registered?,
        subsidy: subsidy?,
        activities: activities?,
        finished: finished?,
    })))
}

fn exception(cells: &mut Cells<'_>) -> Read<Option<Exception>> {
    let kind = cells.word("exception", "geography or partnership");
    let ground = cells.optional("exception_ground", Text::parse);
    match (kind?, ground?) {
        (Some(kind), Some(ground)) => Ok(Some(Exception { kind, ground })),
        (None, None) => Ok(None),
        (Some(_), None) => cells.wrong("exception_ground", &"the ground of the exception"),
        (None, Some(_)) => cells.wrong("exception", &"geography or partnership, as its ground is given"),
    }
}

pub(super) fn write(kind: EntryKind, register: &Register) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // Writing into memory does not fail, and every row has as many cells as the first.
    let _ = writer.write_record(columns(kind));
    for entry in register.entries().entries().filter(|entry| entry.key().kind() == kind) {
        let version = register.number(&entry.key()).to_string();
        let _ = writer.write_record(row(&entry, version));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn row(entry: &Entry, version: String) -> Vec<String> {
    match entry {
        Entry::Supplier(one) => vec![one.id.to_string(), version, one.name.to_string()],
        Entry::Organisation(one) => vec![one.id.to_string(), version, one.name.to_string(), word(&one.kind)],
        Entry::Practice(one) => practice_row(one, version),
        Entry::Coalition(one) => coalition_row(one, version),
    }
}

fn practice_row(one: &Practice, version: String) -> Vec<String> {
    let mut row = vec![
        one.provider.to_string(),
        version,
        one.agb.to_string(),
        one.name.to_string(),
        one.place.to_string(),
        one.patients.to_string(),
        one.patients_16.to_string(),
        one.system.supplier.to_string(),
        one.system.installation.to_string(),
        one.system.version.to_string(),
        one.access_start.map(|day| day.to_string()).unwrap_or_default(),
        joined(one.memberships.iter().map(membership)),
    ];
    let Staff { gp, poh, manager, assistant } = &one.staff;
    row.extend([gp, poh, manager, assistant].map(function));
    row.extend([&one.informed, &one.conforms].into_iter().flat_map(proof));
    row
}

fn coalition_row(one: &Coalition, version: String) -> Vec<String> {
    let exception = one.exception.as_ref();
    let mut row = vec![
        one.id.to_string(),
        version,
        one.name.to_string(),
        one.lead.to_string(),
        joined(one.organisations.iter().map(ToString::to_string)),
        exception.map(|exception| word(&exception.kind)).unwrap_or_default(),
        exception.map(|exception| exception.ground.to_string()).unwrap_or_default(),
    ];
    let proofs = [&one.tasks, &one.agreement, &one.registered, &one.subsidy, &one.activities, &one.finished];
    row.extend(proofs.into_iter().flat_map(proof));
    row
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}

fn membership(one: &Membership) -> String {
    format!("{} {}..{}", one.coalition, one.from, one.until.map(|day| day.to_string()).unwrap_or_default())
}

fn function(one: &Function) -> String {
    if *one == Function::default() { String::new() } else { format!("{}/{}", one.trained, one.employed) }
}

fn proof(proof: &Option<Proof>) -> [String; 2] {
    proof.as_ref().map(|proof| [proof.on.to_string(), proof.evidence.to_string()]).unwrap_or_default()
}

/// A word as it stands in JSON, without its quotes.
fn word(of: &impl serde::Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
