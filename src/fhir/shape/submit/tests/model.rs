//! A bundle as a list of pieces, each with what it becomes: what goes to the HIS is exactly the pieces as they become.

use proptest::prelude::*;

use super::*;

/// One piece of a text: what is sent, and what the HIS gets instead.
#[derive(Debug, Clone)]
struct Piece {
    sent: String,
    gets: String,
}

fn same(text: impl Into<String>) -> Piece {
    let text = text.into();
    Piece { sent: text.clone(), gets: text }
}

fn changed(sent: impl Into<String>, gets: impl Into<String>) -> Piece {
    Piece { sent: sent.into(), gets: gets.into() }
}

fn space() -> impl Strategy<Value = String> {
    "[ \n\t]{0,3}"
}

/// A member that no rule touches, with digits that must survive.
fn untouched() -> impl Strategy<Value = Piece> {
    let value = prop_oneof![
        Just("1.500".to_owned()),
        Just("-0.0e10".to_owned()),
        Just("12345678901234567890.10".to_owned()),
        Just("true".to_owned()),
        Just("[ null,{ } ]".to_owned()),
        "[a-zA-Z0-8 .<>é]{0,20}".prop_map(|text| format!("\"{text}\"")),
        Just(r#""\u00e9\n\"""#.to_owned()),
    ];
    (space(), "x[a-z]{1,6}", space(), value)
        .prop_map(|(before, name, after, value)| same(format!("{before}\"{name}\"{after}:{value}")))
}

/// A reference to the person, bare or with what stands beside it.
fn subject(name: &'static str) -> impl Strategy<Value = Vec<Piece>> {
    (space(), any::<bool>()).prop_map(move |(space, with_display)| {
        let display = if with_display { r#", "display" : "De heer A. \"de\" Vries""# } else { "" };
        vec![
            same(format!("\"{name}\":{space}{{{space}\"reference\":{space}")),
            changed(format!("\"{PERSON}\""), "\"Patient/pat-1\""),
            same(format!("{display}}}")),
        ]
    })
}

fn observation() -> impl Strategy<Value = Vec<Piece>> {
    let text = prop_oneof![
        Just(same("\"comment\":\"rustig gemeten\"")),
        Just(changed("\"comment\":\"bsn 999911132.\"", "\"comment\":\"bsn *********.\"")),
    ];
    (subject("subject"), text, prop::collection::vec(untouched(), 0..4)).prop_map(|(subject, text, others)| {
        let fixed = format!(
            r#""resourceType":"Observation","meta":{{"profile":["{WEIGHT}"]}},"code":{{"coding":[{{"system":"http://loinc.org","code":"29463-7"}}]}},"#
        );
        let mut pieces = vec![same("{"), same(fixed)];
        pieces.extend(subject);
        pieces.push(same(","));
        pieces.push(text);
        let mut seen = std::collections::HashSet::new();
        for other in others {
            let name = other.sent.split('"').nth(1).unwrap_or_default().to_owned();
            if seen.insert(name) {
                pieces.extend([same(","), other]);
            }
        }
        pieces.push(same("}"));
        pieces
    })
}

fn wrapped(pieces: Vec<Piece>, at: usize, space: &str) -> Vec<Piece> {
    let open = format!("{{{space}\"fullUrl\":\"urn:oid:1.2.{at}\",\"resource\":");
    let close = format!(",{space}\"request\":{{\"url\":\"Observation\",\"method\":\"POST\"}}}}");
    [vec![same(open)], pieces, vec![same(close)]].concat()
}

/// A whole batch: the person's entry stands anywhere among one to four measurements.
fn bundle() -> impl Strategy<Value = Vec<Piece>> {
    let measurements = prop::collection::vec(observation(), 1..4);
    (measurements, space(), 0_usize..4).prop_map(|(measurements, space, at)| {
        let person = entry(PERSON, &person()).to_string();
        let number = measurements.len();
        let at = at.min(number);
        let mut list: Vec<Vec<Piece>> =
            measurements.into_iter().enumerate().map(|(at, pieces)| wrapped(pieces, at, &space)).collect();
        // Its comma goes with it: the one before it, or the one after it where it stands first.
        let comma = format!("{space},{space}");
        for (index, entry) in list.iter_mut().enumerate().skip(1) {
            let follows_person = index == at;
            entry.insert(0, if follows_person { same("") } else { same(comma.clone()) });
        }
        let gone = match at {
            0 => changed(format!("{person}{comma}"), ""),
            _ if at == number => changed(format!("{comma}{person}"), ""),
            _ => changed(format!("{comma}{person}{comma}"), comma.clone()),
        };
        list.insert(at, vec![gone]);
        let open = same(format!("{space}{{\"type\":\"batch\",\"resourceType\":\"Bundle\",{space}\"entry\":["));
        [vec![open], list.concat(), vec![same(format!("]{space}}}{space}"))]].concat()
    })
}

fn text(pieces: &[Piece], pick: impl Fn(&Piece) -> &str) -> String {
    pieces.iter().map(pick).collect()
}

proptest! {
    /// Nothing but the person's entry, the references to it and the BSN changes, byte for byte.
    #[test]
    fn all_else_goes_as_it_was_sent(pieces in bundle()) {
        let sent = text(&pieces, |piece| &piece.sent);
        let judged = judge_submission(sent.as_bytes(), &allowed(SubmissionKind::Batch), FhirVersion::Stu3, &bsn());
        let out = judged.map_err(|fault| TestCaseError::fail(format!("{fault:?} in {sent}")))?.addressed("pat-1").unwrap();
        prop_assert_eq!(String::from_utf8(out.body).unwrap(), text(&pieces, |piece| &piece.gets));
    }

    /// Whatever is sent: no panic, and what passes is about this person only.
    #[test]
    fn damaged_bundles_never_name_anybody(pieces in bundle(), at in any::<prop::sample::Index>(), with in "[\"{}\\[\\],:a0 ]{0,3}") {
        let mut sent = text(&pieces, |piece| &piece.sent).into_bytes();
        let at = at.index(sent.len());
        sent.splice(at..=at, with.into_bytes());
        if let Ok(judged) = judge_submission(&sent, &allowed(SubmissionKind::Batch), FhirVersion::Stu3, &bsn()) {
            let out = String::from_utf8(judged.addressed("pat-1").unwrap().body).unwrap();
            let value: Value = serde_json::from_str(&out).unwrap();
            for entry in value["entry"].as_array().unwrap() {
                prop_assert_eq!(&entry["resource"]["subject"]["reference"], "Patient/pat-1");
            }
            // With a further digit it is another number.
            let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
            let bytes = out.as_bytes();
            let alone = |at: usize| !is_digit(bytes.get(at.wrapping_sub(1))) && !is_digit(bytes.get(at + BSN.len()));
            prop_assert!(!out.match_indices(BSN).any(|(at, _)| alone(at)));
        }
    }
}
