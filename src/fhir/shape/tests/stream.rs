//! The streaming shaper held against the one that has the whole answer before it.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use super::super::stream::{Kept, Passed, SearchsetStream};
use super::*;

const LIMIT: usize = 64 * 1024;

/// What left before the end or the fault, and which.
fn stream(resource: &str, body: &[u8], chunks: &[usize]) -> (Vec<u8>, Result<Passed, ShapeFault>) {
    let (bsn, rules) = (bsn(), rules());
    stream_by(&shaping(resource, &bsn, &rules), body, chunks)
}

fn stream_by(shaping: &Shaping<'_>, body: &[u8], chunks: &[usize]) -> (Vec<u8>, Result<Passed, ShapeFault>) {
    let mut stream = SearchsetStream::new(Kept::of(shaping), Some(Box::new(next_link)), LIMIT);
    let (mut out, mut rest) = (Vec::new(), body);
    let mut sizes = chunks.iter().copied().cycle();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(sizes.next().unwrap_or(rest.len()).clamp(1, rest.len()));
        rest = behind;
        match stream.push(chunk) {
            Ok(passed) => out.extend(passed),
            Err(fault) => return (out, Err(fault)),
        }
    }
    match stream.finish() {
        Ok((end, passed)) => {
            out.extend(end);
            (out, Ok(passed))
        }
        Err(fault) => (out, Err(fault)),
    }
}

fn without_total(body: &[u8]) -> Value {
    let mut bundle: Value = serde_json::from_slice(body).unwrap();
    bundle.as_object_mut().unwrap().remove("total");
    bundle
}

/// The frame in the order in which a HIS writes it, so that type comes before the entries.
fn in_order(bundle: &str) -> String {
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    let members = bundle.as_object().unwrap();
    let rank = |name: &str| usize::from(name == "entry") + 2 * usize::from(matches!(name, "link" | "total"));
    let mut names: Vec<&String> = members.keys().collect();
    names.sort_by_key(|name| rank(name));
    let written: Vec<String> = names.iter().map(|name| format!("{} : {}", json!(name), members[*name])).collect();
    format!("{{\n{} }}", written.join(" ,"))
}

/// Whether a Reference names an entry by a full URL that is not below the base of the HIS.
fn refers_outside(body: &str) -> bool {
    let bundle: Value = serde_json::from_str(body).unwrap();
    let text = bundle.to_string();
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries
        .filter_map(|entry| entry["fullUrl"].as_str())
        .filter(|url| url.starts_with("http") && !url.starts_with(HIS))
        .any(|url| text.contains(&format!(r#""reference":"{url}""#)))
}

/// Both outputs, to be held against each other. Only with the whole answer before it can a shaper know the entry that a URL outside
/// the base names, so where there is one the addresses of References are left out.
fn comparable(body: &str, whole: &[u8], streamed: &[u8]) -> (Value, Value) {
    let (mut whole, mut streamed) = (without_total(whole), serde_json::from_slice(streamed).unwrap());
    if refers_outside(body) {
        [&mut whole, &mut streamed].into_iter().for_each(forget_addresses);
    }
    (whole, streamed)
}

fn forget_addresses(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("reference");
            members.remove("_reference");
            members.values_mut().for_each(forget_addresses);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_addresses),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Fails unless both let the same pass, or neither lets anything pass. Whether both did.
fn agree(generated: &Generated, body: &str, chunks: &[usize]) -> bool {
    let whole = generated.shape(body.as_bytes());
    let (out, end) = generated.with(|shaping| stream_by(shaping, body.as_bytes(), chunks));
    assert!(!String::from_utf8_lossy(&out).contains(CANARY), "{body}");
    match (whole, end) {
        (Ok(whole), Ok(passed)) => {
            let (shaped, streamed) = comparable(body, &whole.body, &out);
            assert_eq!(shaped, streamed, "{body}");
            assert_eq!((whole.entries, whole.withheld), (passed.entries, passed.withheld), "{body}");
            true
        }
        // What comes too late is the one thing that only a stream refuses.
        (Ok(_), Err(fault)) => {
            assert_eq!(fault, ShapeFault::OutOfOrder, "{body}");
            assert!(serde_json::from_slice::<Value>(&out).is_err(), "a whole document left: {body}");
            false
        }
        (Err(_), Err(_)) => {
            assert!(serde_json::from_slice::<Value>(&out).is_err(), "a whole document left: {body}");
            false
        }
        (Err(fault), Ok(_)) => panic!("only the stream passed, the other had {fault}: {body}"),
    }
}

proptest! {
    #[test]
    fn it_lets_pass_what_the_whole_shaper_does(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        chunks in prop::collection::vec(1..200_usize, 1..6),
    ) {
        let generated = Generated::of(&bytes);
        agree(&generated, &generated.body, &chunks);
        agree(&generated, &in_order(&generated.body), &chunks);
    }

    #[test]
    fn damage_is_refused_by_both(
        bytes in prop::collection::vec(any::<u8>(), 100..700),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0x20..0x7f_u8, 0..3_u8), 1..3),
        chunks in prop::collection::vec(1..200_usize, 1..6),
    ) {
        let generated = Generated::of(&bytes);
        let mut body = in_order(&generated.body).into_bytes();
        for (index, byte, kind) in damage {
            let at = index.index(body.len());
            match kind {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => drop(body.remove(at)),
            }
        }
        // Damage may turn what is hidden into what is not, so only the two are held against each other.
        let whole = generated.shape(&body);
        let (out, end) = generated.with(|shaping| stream_by(shaping, &body, &chunks));
        match (whole, end) {
            (Ok(whole), Ok(_)) => {
                let (shaped, streamed) = comparable(std::str::from_utf8(&body).unwrap(), &whole.body, &out);
                prop_assert_eq!(shaped, streamed);
            }
            (Ok(_), Err(fault)) => prop_assert_eq!(fault, ShapeFault::OutOfOrder),
            (Err(_), Err(_)) => prop_assert!(serde_json::from_slice::<Value>(&out).is_err()),
            (Err(fault), Ok(_)) => prop_assert!(false, "only the stream passed, the other had {}", fault),
        }
    }
}

#[test]
fn most_of_what_passes_whole_passes_as_a_stream() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u8>(), 0..700);
    let (mut both, mut late) = (0, 0);
    for _ in 0..2000 {
        let bytes = strategy.new_tree(&mut runner).unwrap().current();
        let generated = Generated::of(&bytes);
        let body = in_order(&generated.body);
        let end = generated.with(|shaping| stream_by(shaping, body.as_bytes(), &[7]).1);
        late += u32::from(end == Err(ShapeFault::OutOfOrder));
        both += u32::from(agree(&generated, &body, &[7]));
    }
    assert!(both > 250 && late > 10 && late * 5 < both, "{both} both, {late} late");
}

#[test]
fn what_no_rule_touches_leaves_byte_for_byte() {
    let body = untouched("{}");
    // The total goes: nobody knows it in time.
    let expected = body.replace(", \"total\" : 1", "");
    let (out, end) = stream("Observation", frame_first(&body).as_bytes(), &[3]);
    assert_eq!(end, Ok(Passed { entries: 1, withheld: 0 }));
    assert_eq!(String::from_utf8(out).unwrap(), frame_first(&expected));
}

/// The resource type moved before the entries.
fn frame_first(body: &str) -> String {
    body.replace(",\"resourceType\":\"Bundle\" }", " }").replacen('{', "{\"resourceType\":\"Bundle\",", 1)
}

fn observation(id: &str, members: &str) -> String {
    format!(
        r#"{{"resource":{{"resourceType":"Observation","id":"{id}","subject":{{"reference":"Patient/pat-1"}},"effectiveDateTime":"2026-01-01",{members}}}}}"#
    )
}

fn bundle(entries: &[String]) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","))
}

#[test]
fn a_foreign_entry_breaks_the_answer_off_before_its_first_byte() {
    let mine: Vec<String> = (0..50).map(|number| observation(&format!("o-{number}"), r#""comment":"mine""#)).collect();
    let foreign = observation("f", r#""comment":"KANARIE""#).replace("pat-1", "pat-2");
    let body = bundle(&[mine, vec![foreign], vec![observation("z", r#""comment":"behind it""#)]].concat());
    let (out, end) = stream("Observation", body.as_bytes(), &[1000]);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(end, Err(ShapeFault::NoPatient));
    // Those that came in one chunk with the foreign one do not leave either.
    assert!((40..=50).contains(&out.matches("mine").count()));
    assert!(!out.contains(CANARY) && !out.contains("behind it") && out.ends_with(r#""comment":"mine"}}"#));
    assert!(serde_json::from_str::<Value>(&out).is_err());
}

#[test]
fn a_shaper_that_refused_goes_on_refusing() {
    let (bsn, rules) = (bsn(), rules());
    let mut stream =
        SearchsetStream::new(Kept::of(&shaping("Observation", &bsn, &rules)), Some(Box::new(next_link)), LIMIT);
    let foreign = bundle(&[observation("f", r#""comment":"x""#).replace("pat-1", "pat-2")]);
    assert_eq!(stream.push(foreign.as_bytes()), Err(ShapeFault::NoPatient));
    let mine = observation("o", r#""comment":"x""#);
    assert_eq!(stream.push(mine.as_bytes()), Err(ShapeFault::NoPatient));
    assert_eq!(stream.finish(), Err(ShapeFault::NoPatient));
}

#[test]
fn nothing_leaves_before_it_is_known_to_be_a_searchset() {
    for frame in [
        r#"{"type":"searchset","entry":[X],"resourceType":"Bundle"}"#,
        r#"{"resourceType":"Bundle","entry":[X],"type":"searchset"}"#,
        r#"{"entry":[X],"resourceType":"Bundle","type":"searchset"}"#,
    ] {
        let body = frame.replace('X', &observation("o", r#""comment":"x""#));
        assert_eq!(stream("Observation", body.as_bytes(), &[20]), (vec![], Err(ShapeFault::OutOfOrder)), "{frame}");
    }
    for frame in [
        r#"{"resourceType":"Bundle","type":"history","entry":[X]}"#,
        r#"{"resourceType":"Bundle","type":"searchset","entry":X}"#,
    ] {
        let body = frame.replace('X', &observation("o", r#""comment":"x""#));
        assert_eq!(stream("Observation", body.as_bytes(), &[20]), (vec![], Err(ShapeFault::NotASearchset)), "{frame}");
    }
}

#[test]
fn what_stands_behind_the_entries_is_judged_before_the_last_brace() {
    let entries = observation("o", r#""comment":"x""#);
    for (tail, fault) in [
        (r#"],"total":2}"#, ShapeFault::Incomplete),
        (r#"],"type":"searchset"}"#, ShapeFault::RepeatedName),
        (r#"],"entry":[]}"#, ShapeFault::RepeatedName),
        (r#"],"\u0065ntry":[]}"#, ShapeFault::EscapedName),
        (r#"],"link":[{"relation":"next","url":"x"}]}"#, ShapeFault::InternalAddress),
        (r#"],"link":{}}"#, ShapeFault::NotASearchset),
    ] {
        let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{entries}{tail}"#);
        let (out, end) = stream("Observation", body.as_bytes(), &[11]);
        assert_eq!(end, Err(fault), "{tail}");
        assert!(String::from_utf8(out).unwrap().ends_with(r#""comment":"x"}}"#), "{tail}");
    }
    let masked =
        format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{entries}],"language":"999911132x"}}"#);
    let (out, _) = stream("Observation", masked.as_bytes(), &[11]);
    assert!(String::from_utf8(out).unwrap().contains(r#""language":"*********x""#));
    for tail in ["", "]", "],}", "]}}", "]} x", ",]}", "]]}", "]}{}", "], \"language\":\"a\u{1}\"}"] {
        let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{entries}{tail}"#);
        let (out, end) = stream("Observation", body.as_bytes(), &[11]);
        assert!(matches!(end, Err(ShapeFault::NotJson { .. } | ShapeFault::NotASearchset)), "{tail} {end:?}");
        assert!(serde_json::from_slice::<Value>(&out).is_err(), "{tail}");
    }
}

#[test]
fn an_include_leaves_only_behind_what_refers_to_it() {
    let lab = |id: &str| observation(id, r#""specimen":{"reference":"Specimen/s"}"#);
    let specimen = r#"{"resource":{"resourceType":"Specimen","id":"s","subject":{"reference":"Patient/pat-1"}},"search":{"mode":"include"}}"#.to_owned();
    let passed = |entries: &[String]| stream("Observation", bundle(entries).as_bytes(), &[17]).1;
    assert_eq!(passed(&[lab("o"), specimen.clone()]), Ok(Passed { entries: 1, withheld: 0 }));
    assert_eq!(
        passed(&[observation("o", r#""comment":"x""#), specimen.clone()]),
        Ok(Passed { entries: 1, withheld: 1 })
    );
    assert_eq!(passed(&[specimen, lab("o")]), Err(ShapeFault::OutOfOrder));
}

#[test]
fn what_was_named_may_not_turn_out_to_be_hidden() {
    let line = |id: &str, code: &str, more: &str| {
        observation(
            id,
            &format!(
                r#""code":{{"coding":[{{"system":"http://fhir.nl/fhir/NamingSystem/journaalregeltypen","code":"{code}"}}]}}{more}"#
            ),
        )
    };
    let naming = r#","related":[{"target":{"reference":"Observation/s","display":"hoofdpijn"}}]"#;
    let (hidden, open) = (line("s", "S", ""), line("e", "E", naming));
    let (out, end) = stream("Observation", bundle(&[hidden.clone(), open.clone()]).as_bytes(), &[17]);
    assert_eq!(end, Ok(Passed { entries: 1, withheld: 1 }));
    assert!(!String::from_utf8(out).unwrap().contains("hoofdpijn"));
    assert_eq!(stream("Observation", bundle(&[open, hidden]).as_bytes(), &[17]).1, Err(ShapeFault::OutOfOrder));
}

#[test]
fn no_piece_is_larger_than_its_limit() {
    let large = "x".repeat(LIMIT);
    let entry = observation("o", &format!(r#""comment":"{large}""#));
    for body in [
        bundle(&[entry]),
        format!(r#"{{"id":"{large}","resourceType":"Bundle","type":"searchset","entry":[]}}"#),
        format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[],"id":"{large}"}}"#),
        format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, " ".repeat(LIMIT + 1)),
        "[".repeat(LIMIT + 1),
    ] {
        assert_eq!(stream("Observation", body.as_bytes(), &[1000]), (vec![], Err(ShapeFault::PieceTooLarge)));
    }
}

#[test]
fn depth_counts_from_the_bundle_on() {
    let nested =
        |depth: usize| bundle(&[observation("o", &format!(r#""x":{}{}"#, "[".repeat(depth), "]".repeat(depth)))]);
    for depth in [58, 59, 60, 61, 62] {
        let whole = shape("Observation", nested(depth).as_bytes()).map(drop);
        assert_eq!(stream("Observation", nested(depth).as_bytes(), &[9]).1.map(drop), whole, "{depth}");
    }
}
