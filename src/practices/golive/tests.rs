//! Who is let in at which stage, and that a stage is read as it is written.

use std::sync::Arc;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::medmij::Bsn;
use crate::practices::ClosedEpisodes;
use crate::seal::Sealer;
use crate::secret::Secret;

fn practice(state: GoLive) -> Practice {
    Practice {
        provider: ProviderName::parse("huisarts.delinde@medmij").unwrap(),
        name: "De Linde".to_owned(),
        place: "Zutphen".to_owned(),
        aliases: Vec::new(),
        his: "his-a".to_owned(),
        access_start: date(2020, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: ClosedEpisodes::Flagged,
        state,
    }
}

fn service(id: &str) -> ServiceId {
    ServiceId::parse(id).unwrap()
}

fn entrance(text: &str) -> Entrance {
    Entrance::parse(text).unwrap()
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const SINCE: &str = "2026-11-01T00:00:00Z";
const BEFORE: &str = "2026-10-01T00:00:00Z";

fn stages(set: &[(&str, Stage)]) -> Stages {
    let standing = |stage: &Stage| Standing { stage: stage.clone(), since: at(SINCE) };
    set.iter().map(|(text, stage)| (entrance(text), standing(stage))).collect()
}

fn pilot() -> Pilot {
    Pilot::new(2, vec![host("pgo.example.nl")], date(2026, 11, 1), date(2026, 11, 30)).unwrap()
}

fn marker(byte: u8) -> Marker {
    Marker::new(Arc::new(Sealer::new(&Secret::new([byte; 32]))))
}

#[test]
fn the_stage_of_a_service_stands_before_that_of_its_practice_and_both_before_the_configured_one() {
    let stages = stages(&[
        ("huisarts.delinde@medmij", Stage::Paused),
        ("huisarts.delinde@medmij~51", Stage::Open),
        ("huisarts.elders@medmij", Stage::Open),
    ]);
    let stage = |state, id| stages.in_force(&practice(state), &service(id)).stage().clone();
    assert_eq!(stage(GoLive::Open, "49"), Stage::Paused);
    assert_eq!(stage(GoLive::Closed, "51"), Stage::Open);
    let nothing = Stages::default();
    assert!(nothing.is_open(&practice(GoLive::Open), &service("49")));
    assert!(!nothing.is_open(&practice(GoLive::Closed), &service("49")));
}

#[test]
fn each_stage_lets_in_whom_it_says() {
    let (known, stranger) = (Bsn::parse("999911132").unwrap(), Bsn::parse("999950022").unwrap());
    let people = People::new(marker(1), [(entrance("huisarts.delinde@medmij"), marker(1).mark(&known))]);
    let (own, other) = (host("pgo.example.nl"), host("pgo2.example.nl"));
    let (during, after) = (date(2026, 11, 30), date(2026, 12, 1));
    let cases = [
        (Stage::Open, &other, after, &stranger, BEFORE, Ok(())),
        (Stage::Closed, &own, during, &known, SINCE, Err(NotYet::Closed)),
        (Stage::Paused, &own, during, &known, SINCE, Err(NotYet::Paused)),
        (Stage::FieldTest, &other, after, &known, BEFORE, Ok(())),
        (Stage::FieldTest, &own, during, &stranger, BEFORE, Err(NotYet::FieldTest)),
        (Stage::FieldTest, &own, during, &stranger, SINCE, Ok(())),
        (Stage::Pilot(pilot()), &own, during, &known, BEFORE, Ok(())),
        (Stage::Pilot(pilot()), &own, during, &stranger, SINCE, Ok(())),
        (Stage::Pilot(pilot()), &own, during, &stranger, BEFORE, Err(NotYet::PilotPerson)),
        (Stage::Pilot(pilot()), &other, during, &known, SINCE, Err(NotYet::PilotClient)),
        (Stage::Pilot(pilot()), &own, after, &known, SINCE, Err(NotYet::PilotDays)),
        (Stage::Pilot(pilot()), &own, date(2026, 10, 31), &known, SINCE, Err(NotYet::PilotDays)),
    ];
    for (stage, client, today, person, consented, expected) in cases {
        let stages = stages(&[("huisarts.delinde@medmij", stage.clone())]);
        let who = (Visitor { client, today }, Holder { person: Whom::Person(person), consented: at(consented) });
        let said = stages.admits(&people, &practice(GoLive::Closed), &service("49"), who);
        assert_eq!(said, expected, "{stage:?} {client} {today} {consented}");
    }
}

#[test]
fn a_place_at_one_entrance_is_none_at_another() {
    let person = Bsn::parse("999911132").unwrap();
    let people = People::new(marker(1), [(entrance("huisarts.delinde@medmij~49"), marker(1).mark(&person))]);
    let provider = ProviderName::parse("huisarts.delinde@medmij").unwrap();
    assert!(people.know(&provider, Some(&service("49")), Whom::Person(&person)));
    assert!(
        !people.know(&provider, Some(&service("51")), Whom::Person(&person))
            && !people.know(&provider, None, Whom::Person(&person))
    );
    assert!(!People::default().know(&provider, None, Whom::Person(&person)));
}

#[test]
fn who_was_marked_under_a_key_that_was_replaced_is_still_known() {
    let person = Bsn::parse("999911132").unwrap();
    let now = Sealer::new(&Secret::new([2; 32])).also_opening(&Secret::new([1; 32]));
    let people =
        People::new(Marker::new(Arc::new(now)), [(entrance("huisarts.delinde@medmij"), marker(1).mark(&person))]);
    assert!(people.know(&ProviderName::parse("huisarts.delinde@medmij").unwrap(), None, Whom::Person(&person)));
}

#[test]
fn before_a_person_is_known_only_app_and_day_count() {
    let own = host("pgo.example.nl");
    let visitor = Visitor { client: &own, today: date(2026, 11, 15) };
    let greets =
        |stage| stages(&[("huisarts.delinde@medmij", stage)]).greets(&practice(GoLive::Open), &service("49"), visitor);
    assert_eq!(greets(Stage::FieldTest), Ok(()));
    assert_eq!(greets(Stage::Pilot(pilot())), Ok(()));
    assert_eq!(greets(Stage::Paused), Err(NotYet::Paused));
    assert_eq!(greets(Stage::Closed), Err(NotYet::Closed));
}

#[test]
fn a_stage_is_written_as_it_is_read() {
    let text = r#"{"stage":"pilot","places":2,"clients":["pgo.example.nl"],"from":"2026-11-01","until":"2026-11-30"}"#;
    assert_eq!(Stage::read(text), Ok(Stage::Pilot(pilot())));
    for stage in [Stage::Closed, Stage::FieldTest, Stage::Pilot(pilot()), Stage::Open, Stage::Paused] {
        assert_eq!(Stage::read(&stage.write()), Ok(stage.clone()));
        assert!(stage.write().contains(stage.name()));
    }
    for text in [
        "",
        "{}",
        r#"{"stage":"ajar"}"#,
        r#"{"stage":"open","places":2}"#,
        r#"{"stage":"pilot","places":0,"from":"2026-11-01","until":"2026-11-30"}"#,
        r#"{"stage":"pilot","places":5001,"from":"2026-11-01","until":"2026-11-30"}"#,
        r#"{"stage":"pilot","places":2,"from":"2026-12-01","until":"2026-11-30"}"#,
        r#"{"stage":"pilot","places":2,"clients":["A b"],"from":"2026-11-01","until":"2026-11-30"}"#,
        r#"{"stage":"pilot","places":2,"clients":["a.nl","a.nl"],"from":"2026-11-01","until":"2026-11-30"}"#,
    ] {
        assert_eq!(Stage::read(text), Err(StageFault::Form), "{text}");
    }
}

proptest! {
    #[test]
    fn an_entrance_is_written_as_it_is_read(text in "[a-z.]{1,8}(@medmij)?(~[0-9]{1,3})?") {
        if let Some(entrance) = Entrance::parse(&text) {
            prop_assert_eq!(entrance.to_string(), text);
        }
    }
}
