//! Finding practices: what people type, what they find, and in which order.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::lists::{ListHeader, ProviderEntry, Reading, RoleEntry, ServiceEntry, VersionEntry, Zal, write_zal};
use crate::practices::GoLive;

fn practice(provider: &str, name: &str, place: &str, aliases: &[&str], state: GoLive) -> Practice {
    Practice {
        provider: ProviderName::parse(provider).unwrap(),
        name: name.to_owned(),
        place: place.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        his: "a".to_owned(),
        access_start: jiff::civil::date(2020, 1, 1),
        minimum_age: 16,
        results_months: 14,
        closed_episodes: crate::practices::ClosedEpisodes::Flagged,
        state,
    }
}

fn finder() -> Finder {
    let practices = [
        practice(
            "huisarts.delinde@medmij",
            "Huisartsenpraktijk De Linde",
            "Zutphen",
            &["Dokter Van Dijk"],
            GoLive::Open,
        ),
        practice("huisartsen.deberk@medmij", "Praktijk De Berk", "Zutphen", &[], GoLive::Closed),
        practice("molenwiek@medmij", "Gezondheidscentrum Molenwiek", "Leiden", &["01990077"], GoLive::Open),
        practice("lindenoord@medmij", "Huisartsen Lindenoord", "Assen", &[], GoLive::Open),
    ];
    let zakl = Zakl::parse(include_bytes!("../../../fixtures/lists/zakl-good.xml"), Reading::default()).unwrap();
    Finder::new(&PracticeRegister::new(practices).unwrap(), zakl)
}

fn lists(providers: &[&str]) -> Lists {
    let role = RoleEntry { role: "R".to_owned(), endpoint: "https://node.example".to_owned() };
    let service =
        ServiceEntry { id: "49".to_owned(), authorization: None, token: None, subscription: None, roles: vec![role] };
    let version = VersionEntry { id: "2".to_owned(), services: vec![service] };
    let entry = |name: &&str| ProviderEntry {
        name: (*name).to_owned(),
        kind: "ZA".to_owned(),
        versions: vec![version.clone()],
    };
    let header = ListHeader { timestamp: jiff::Timestamp::UNIX_EPOCH, sequence: 1 };
    let text = write_zal(header, &providers.iter().map(entry).collect::<Vec<_>>());
    Lists { zal: Arc::new(Zal::parse(text.as_bytes(), Reading::default()).unwrap()), ..Lists::default() }
}

fn listed() -> Lists {
    lists(&["huisarts.delinde@medmij", "molenwiek@medmij", "praktijk.hetveen@medmij", "informatiepunt-noord@medmij"])
}

fn found(text: &str) -> Vec<(String, Reach)> {
    let found = finder().find(&Question::parse(text).unwrap(), &listed(), &Stages::default());
    found.into_iter().map(|found| (found.provider.short().to_owned(), found.reach)).collect()
}

fn first(text: &str) -> Option<String> {
    found(text).into_iter().next().map(|(provider, _)| provider)
}

#[test]
fn a_practice_is_found_by_name_place_alias_and_number_with_slips() {
    for (text, provider) in [
        ("Huisartsenpraktijk De Linde", "huisarts.delinde"),
        ("de linde", "huisarts.delinde"),
        ("delinde", "huisarts.delinde"),
        ("huisarts linde", "huisarts.delinde"),
        ("LINDE, zutphen", "huisarts.delinde"),
        ("lidne", "huisarts.delinde"),
        ("van dijk", "huisarts.delinde"),
        ("dokter van dyjk", "huisarts.delinde"),
        ("molenwyck", "molenwiek"),
        ("moolenwiek leyden", "molenwiek"),
        ("01990077", "molenwiek"),
        ("huisartsen.deberk", "huisartsen.deberk"),
        ("berk", "huisartsen.deberk"),
        // By its AGB code and its URA in the koppellijst.
        ("01990001", "huisartsen.deberk"),
        ("90000001", "huisartsen.deberk"),
    ] {
        assert_eq!(first(text).as_deref(), Some(provider), "{text}");
    }
    for text in ["eik", "zwolle", "berk assen", "019900", "dinges"] {
        assert_eq!(found(text), [], "{text}");
    }
    let places: Vec<_> = found("zutphen").into_iter().map(|(provider, _)| provider).collect();
    assert_eq!(places, ["huisarts.delinde", "huisartsen.deberk"]);
}

#[test]
fn what_is_known_but_cannot_be_reached_says_so() {
    assert_eq!(found("de linde")[0], ("huisarts.delinde".to_owned(), Reach::Open));
    // Closed, in the register and on the list or not.
    assert_eq!(found("de berk")[0], ("huisartsen.deberk".to_owned(), Reach::Known));
    // Open in the register, and not on the list.
    assert_eq!(found("lindenoord")[0], ("lindenoord".to_owned(), Reach::Known));
    // Not ours: on the list by its name, with a slip, and by a number.
    for text in ["het veen", "hetveen", "praktijk hetveen", "praktijkhetven"] {
        assert_eq!(found(text), [("praktijk.hetveen".to_owned(), Reach::Known)], "{text}");
    }
    assert!(found("01990001").contains(&("informatiepunt-noord".to_owned(), Reach::Known)));
}

#[test]
fn a_question_is_bounded_and_holds_no_bsn() {
    let error = |text: &str| Question::parse(text).unwrap_err();
    assert_eq!(error(""), QuestionError::TooShort);
    assert_eq!(error("?! x"), QuestionError::TooShort);
    assert_eq!(error(&"a".repeat(101)), QuestionError::TooLong);
    let long = format!("{} 999900006", "a".repeat(101));
    for text in [
        "999900006",
        "bsn 9999.00.006",
        "linde 999 900 006",
        "999900006 1970",
        "7201 999.900.006",
        "3-11-1970, 999900006",
        &long,
    ] {
        assert_eq!(error(text), QuestionError::HoldsBsn, "{text}");
    }
    for text in ["01990001", "1999900006", "9999000 061", "linde 1970 1971"] {
        assert!(Question::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn no_more_than_ten_are_shown() {
    let names: Vec<String> = (0..30).map(|number| format!("praktijk.linde{number}@medmij")).collect();
    let lists = lists(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let found = finder().find(&Question::parse("linde").unwrap(), &lists, &Stages::default());
    assert_eq!(found.len(), FOUND_MAX);
    assert_eq!(found[0].provider.short(), "huisarts.delinde", "ours come first");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_question_panics_and_no_answer_is_long(text in "\\PC{0,120}") {
        if let Ok(question) = Question::parse(&text) {
            prop_assert!(finder().find(&question, &listed(), &Stages::default()).len() <= FOUND_MAX);
        }
    }

    #[test]
    fn a_practice_is_first_when_its_name_is_asked_for(
        names in proptest::collection::vec("[A-Za-zéë' .-]{2,20}|(Praktijk|De|Linde|Lynde|Berk)( (Praktijk|De|Linde|Berk)){0,3}", 1..12),
        asked in any::<prop::sample::Index>(),
    ) {
        let own = names.iter().enumerate();
        let practices = own.map(|(at, name)| practice(&format!("p{at}@medmij"), name, "Ede", &[], GoLive::Open));
        let finder = Finder::new(&PracticeRegister::new(practices).unwrap(), Zakl::default());
        let name = &names[asked.index(names.len())];
        if let Ok(question) = Question::parse(name) {
            let found = finder.find(&question, &Lists::default(), &Stages::default());
            prop_assert_eq!(found.first().map(|found| plain(&found.name)), Some(plain(name)));
        }
    }
}
