//! The start page: what it lists, and what the policy forbids in it.

use super::*;
use crate::sandbox::site::pages::tests::allowed_by_the_policy;
use crate::sandbox::world::{ListedPractice, TestPerson};

const TODAY: Date = jiff::civil::date(2026, 3, 9);

fn practice() -> ListedPractice {
    ListedPractice {
        provider: "huisarts.dijk@medmij".to_owned(),
        name: "Praktijk <Dijk> & Zn".to_owned(),
        place: "Ergens".to_owned(),
    }
}

#[test]
fn the_start_page_lists_practices_with_their_people() {
    let person = |name: &str, provider: &str| TestPerson {
        bsn: "999900006".to_owned(),
        name: name.to_owned(),
        provider: provider.to_owned(),
        birth_date: Some(jiff::civil::date(1980, 1, 1)),
    };
    let people = vec![person("Duinker", "huisarts.dijk@medmij"), person("Elders", "huisarts.ander@medmij")];
    let directory = Directory { practices: vec![practice()], people };
    let html = StartPage::of(&directory, TODAY, Some(&"https://gp.example".to_owned()), true).render_html();
    assert!(html.contains("Praktijk &#60;Dijk&#62; &#38; Zn") && html.contains(r#"value="huisarts.dijk@medmij""#));
    assert!(html.contains("Duinker") && html.contains("46") && !html.contains("Elders"));
    assert!(html.contains(r#"href="/record""#));
    assert!(html.contains(r#"href="https://gp.example/practices""#));
    assert!(!StartPage::of(&directory, TODAY, None, false).render_html().contains(r#"href="/record""#));
    allowed_by_the_policy(&html);
}
