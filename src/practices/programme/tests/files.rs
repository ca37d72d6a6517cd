//! The register as files: out and in again, and what is said of files that are not in order.

use proptest::prelude::*;

use super::scene::*;
use crate::practices::programme::file::{Fault, Form, changes, fields, read, read_fields, write};
use crate::practices::programme::*;

const FORMS: [Form; 5] = [
    Form::Csv(EntryKind::Supplier),
    Form::Csv(EntryKind::Organisation),
    Form::Csv(EntryKind::Practice),
    Form::Csv(EntryKind::Coalition),
    Form::Toml,
];

async fn registry(draft: &Draft) -> Registry {
    let registry = Registry::new(std::sync::Arc::new(Memory::default()));
    let all: Vec<_> = draft.entries().map(|entry| Change::put(0, entry)).collect();
    registry.change(&all, "wacht.example.nl", jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    registry
}

fn rich() -> Draft {
    let mut draft = region();
    let one = draft.practices.get_mut(&provider("waterkant")).unwrap();
    one.name = text("Praktijk \"De Dijk\", noord; oost");
    one.memberships
        .insert(0, Membership { coalition: id("waterland"), from: day("2018-01-01"), until: Some(day("2019-12-31")) });
    let two = draft.coalitions.get_mut(&id("waterland")).unwrap();
    two.exception = Some(Exception { kind: ExceptionKind::Geography, ground: text("eilanden, ver van elkaar") });
    draft
}

#[tokio::test]
async fn what_is_written_out_is_read_in_again_and_changes_nothing() {
    let registry = registry(&rich()).await;
    let register = registry.read().await.unwrap();
    for form in FORMS {
        let file = write(form, &register);
        let lines = read(form, file.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}\n{file}"));
        assert!(lines.iter().all(|line| line.made_from == Some(1) && line.line > 0));
        let judged = registry.try_out(&changes(&register, &lines)).await.unwrap();
        assert!(!lines.is_empty() && judged.done.iter().all(|done| *done == Done::Same), "{form:?}");
    }
    let all = write(Form::Toml, &register);
    let marked = [b"\xef\xbb\xbf", all.as_bytes()].concat();
    assert_eq!(read(Form::Toml, &marked).unwrap().len(), register.entries().len());
}

#[test]
fn what_stands_in_a_form_is_read_back_and_each_fault_stands_at_its_field() {
    let draft = rich();
    for entry in draft.entries() {
        let kind = entry.key().kind();
        let typed = fields(kind, Some((&entry, 7)));
        let value = |name: &str| typed.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
        let line = read_fields(kind, value).unwrap();
        assert_eq!((line.made_from, line.entry), (Some(7), entry));
    }
    let wrong = read_fields(EntryKind::Practice, |name| (name == "agb").then_some("12")).unwrap_err();
    let at: Vec<_> = wrong.iter().map(|(field, _)| *field).collect();
    let needed =
        ["agb", "installation", "name", "patients", "patients_16", "place", "provider", "supplier", "system_version"];
    assert!(needed.iter().all(|field| at.contains(field)) && !at.contains(&"access_start"), "{wrong:?}");
    assert!(wrong.contains(&("agb", "an AGB code has 8 digits".to_owned())), "{wrong:?}");
}

#[tokio::test]
async fn an_entry_of_an_old_file_does_not_undo_what_came_after() {
    let registry = registry(&region()).await;
    let register = registry.read().await.unwrap();
    let file = write(Form::Csv(EntryKind::Supplier), &register);
    let newer = Entry::Supplier(Supplier { id: id("his-a"), name: text("HIS A, nieuwe naam") });
    registry.change(&[Change::put(1, newer)], "x", jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let register = registry.read().await.unwrap();
    let judged = |text: String| {
        let lines = read(Form::Csv(EntryKind::Supplier), text.as_bytes()).unwrap();
        changes(&register, &lines)
    };
    assert!(matches!(registry.try_out(&judged(file.clone())).await, Err(RegisterError::Stale(_))));
    let without = file.replace("his-a,1,", "his-a,,");
    assert_eq!(registry.try_out(&judged(without)).await.unwrap().done, [Done::Changed]);
}

fn faults(form: Form, file: &str) -> Vec<(u64, u64, String)> {
    let all = read(form, file.as_bytes()).unwrap_err();
    all.into_iter().map(|Fault { line, column, expected }| (line, column, expected)).collect()
}

#[test]
fn a_table_that_is_not_in_order_is_told_cell_by_cell() {
    let head = "id,version,name,kind\n";
    let form = Form::Csv(EntryKind::Organisation);
    let file = format!("{head}kring,,LHV-kring,lhv-circle\nGroep,x,,bank\n\nmeer,1\n");
    let found = faults(form, &file);
    let places: Vec<_> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(3, 2), (3, 1), (3, 3), (3, 4), (5, 1)], "{found:?}");
    assert!(found[1].2.starts_with("id: an id has 1 to 32"), "{found:?}");
    assert!(found[3].2.contains("care-group"), "{found:?}");
    assert_eq!(faults(form, "id,name\n")[0].2, "the columns id,version,name,kind");
    assert_eq!(read(form, head.as_bytes()).unwrap(), []);
}

#[test]
fn a_practice_is_told_what_each_cell_is_to_be() {
    let form = Form::Csv(EntryKind::Practice);
    let head = "provider,version,agb,name,place,patients,patients_16,supplier,installation,system_version,access_start,\
                coalitions,gp,poh,manager,assistant,informed_on,informed_evidence,conforms_on,conforms_evidence\n";
    let good = "a@medmij,,00000001,A,B,10,5,his-a,his-a-1,1.0,2020-07-01,waterland 2020-01-01..,1/2,,,,,,,\n";
    assert_eq!(read(form, format!("{head}{good}").as_bytes()).unwrap().len(), 1);
    for (from, to, column) in [
        ("a@medmij", "a", 1),
        ("00000001", "1", 3),
        (",10,", ",,", 6),
        (",5,", ",-5,", 7),
        ("2020-07-01", "1 juli", 11),
        ("2020-01-01..", "2020-01-01", 12),
        ("1/2", "2", 13),
        (",,,,,,,\n", ",,,,2020-01-01,,,\n", 18),
        (",,,,,,,\n", ",,,,,brief,,\n", 17),
    ] {
        let found = faults(form, &format!("{head}{}", good.replacen(from, to, 1)));
        assert_eq!(found.iter().map(|(line, column, _)| (*line, *column)).collect::<Vec<_>>(), [(2, column)], "{to}");
    }
}

#[test]
fn toml_that_is_not_in_order_is_told_with_its_place() {
    let file = "[[supplier]]\nid = \"his-a\"\nname = \"HIS A\"\n\n[[supplier]]\nid = \"HIS\"\nname = \"HIS B\"\n\n\
                [[organisation]]\nid = \"kring\"\nname = \"Kring\"\nkind = \"bank\"\n\n[bank]\nid = 1\n";
    let found = faults(Form::Toml, file);
    let places: Vec<_> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(6, 6), (12, 8), (14, 2)], "{found:?}");
    assert!(found[0].2.contains("an id has") && found[1].2.contains("care-group"), "{found:?}");
    assert_eq!(faults(Form::Toml, "[[supplier]\n")[0].0, 1);
    assert_eq!(faults(Form::Toml, "[[supplier]]\nid = \"a\"\n")[0].2, "missing field `name`");
    assert_eq!(read(Form::Toml, b"").unwrap(), []);
}

#[test]
fn a_file_is_text_and_not_endless() {
    assert_eq!(read(Form::Toml, b"\xff").unwrap_err()[0].expected, "text in UTF-8");
    assert!(read(Form::Toml, &vec![b'#'; file::FILE_MAX_BYTES + 1]).is_err());
    assert_eq!(Form::find("practice.csv"), Some(Form::Csv(EntryKind::Practice)));
    assert_eq!((Form::find("toml"), Form::find("practice"), Form::find("x.csv")), (Some(Form::Toml), None, None));
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "(\\PC|[\n,;\"=\\[\\]])*", form in 0..FORMS.len()) {
        let form = FORMS[form];
        let _ = read(form, text.as_bytes());
        if let Form::Csv(kind) = form {
            let empty = write(Form::Csv(kind), &Register::default());
            let _ = read(form, format!("{empty}{text}").as_bytes());
        }
    }
}
