//! The register of the OPEN programme as an operator keeps it: files, changes, what is refused, and its pages.

use serde_json::{Value, json};

use super::{Operator, Said};
use crate::harness::Gateway;

/// A region with two practices; the first is one of the sandbox, and on its ZAL.
pub(crate) const REGION: &str = r#"
[[supplier]]
id = "his-a"
name = "Leverancier A"

[[organisation]]
id = "zorggroep"
name = "Zorggroep Waterland"
kind = "care-group"

[[organisation]]
id = "kring"
name = "LHV-kring Waterland"
kind = "lhv-circle"

[[practice]]
provider = "huisarts.delinde@medmij"
agb = "01990001"
name = "Huisartsenpraktijk De Linde"
place = "Elders"
patients = 60000
patients_16 = 50000
system = { supplier = "his-a", installation = "his-a", version = "12.4" }
memberships = [{ coalition = "waterland", from = "2020-01-01" }]
staff = { gp = { employed = 2, trained = 1 } }
informed = { on = "2020-06-01", evidence = "nieuwsbrief juni 2020" }

[[practice]]
provider = "dijkzicht@medmij"
agb = "01990099"
name = "Praktijk Dijkzicht"
place = "Zomerwind"
patients = 40000
patients_16 = 30000
system = { supplier = "his-a", installation = "his-a-2", version = "12.4" }
memberships = [{ coalition = "waterland", from = "2020-01-01" }]

[[coalition]]
id = "waterland"
name = "Regio Waterland"
lead = "zorggroep"
organisations = ["zorggroep", "kring"]
tasks = { on = "2020-02-01", evidence = "bijlage 2" }
agreement = { on = "2020-03-01", evidence = "overeenkomst, getekend" }
"#;

impl Operator {
    pub(crate) async fn import(&self, path: &str, file: &str) -> Said {
        let request = self.client.http().post(format!("{}/api/v1/register-files/{path}", self.origin));
        super::said(request.body(file.to_owned())).await
    }
}

pub(crate) async fn registered(gateway: &Gateway) -> Operator {
    let operator = Operator::new(gateway, "wacht");
    let said = operator.import("toml", REGION).await;
    assert_eq!(said.status, 200, "{}", said.text);
    operator
}

#[tokio::test]
async fn a_file_is_tried_and_then_taken_over_on_record() {
    let gateway = Gateway::start().await;
    let operator = Operator::new(&gateway, "wacht");
    let tried = operator.import("toml?dry_run=true", REGION).await.json();
    let first = &tried["entries"][0];
    assert_eq!((&tried["dry_run"], &tried["revision"]), (&true.into(), &0.into()));
    assert_eq!((&first["line"], &first["key"], &first["done"]), (&2.into(), &"supplier:his-a".into(), &"added".into()));
    assert_eq!(operator.get("/api/v1/register/coalition").await["total"], 0);
    assert!(gateway.audit_of("administration").is_empty(), "who only asks changes nothing");

    let done = operator.import("toml", REGION).await.json();
    assert_eq!(
        (&done["dry_run"], &done["revision"], done["entries"].as_array().unwrap().len()),
        (&false.into(), &1.into(), 6)
    );
    let record = gateway.last_audit("administration");
    assert_eq!(record["detail"], "register: import of 6 entries, revision 1");
    assert_eq!((&record["user"], &record["outcome"]), (&"operator:wacht.localhost".into(), &"done".into()));

    let file = operator.ask("GET", "/api/v1/register-files/practice.csv", None).await;
    assert!(file.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    let smaller = file.text.replace(",40000,", ",39999,");
    let refused = operator.import("practice.csv", &smaller).await;
    assert_eq!((refused.status, &refused.json()["error"]), (422, &"register-not-in-order".into()));
    assert_eq!(refused.json()["breaches"][0]["code"], "too-few-patients");
    assert!(refused.json()["breaches"][0]["text"]["nl"].as_str().unwrap().contains("99999 patiënten"));
    let wrong = operator.import("practice.csv", &file.text.replace("01990099", "0199")).await;
    assert_eq!((wrong.status, &wrong.json()["error"]), (422, &"file-not-in-order".into()));
    let fault = &wrong.json()["faults"][0];
    assert_eq!((&fault["line"], &fault["column"]), (&2.into(), &3.into()), "dijkzicht comes first");
    let same = operator.import("practice.csv", &file.text).await.json();
    assert!(same["entries"].as_array().unwrap().iter().all(|one| one["done"] == "same"), "{same}");
    assert_eq!(operator.get("/api/v1/register/practice").await["revision"], 1, "nothing of the others stayed");
    gateway.stop().await;
}

#[tokio::test]
async fn of_two_editors_the_second_is_told_what_the_first_changed() {
    let gateway = Gateway::start().await;
    let operator = registered(&gateway).await;
    let path = "/api/v1/register/practice/huisarts.delinde@medmij";
    let mut entry = operator.get(path).await["entry"].clone();
    entry["patients"] = json!(61_000);
    let wish = json!({"version": 1, "entry": entry});
    assert_eq!(operator.ask("PUT", path, Some(&wish)).await.json()["entries"][0]["done"], "changed");
    let second = operator.ask("PUT", path, Some(&wish)).await;
    let stale = second.json()["stale"].clone();
    assert_eq!((second.status, &stale["version"]), (409, &2.into()));
    assert_eq!(stale["differences"], json!([{"field": "patients", "was": "60000", "is": "61000"}]));
    assert_eq!(gateway.last_audit("administration")["reason"], "changed-since");
    assert_eq!(gateway.last_audit("administration")["provider"], "huisarts.delinde@medmij");

    let gone = operator.ask("DELETE", &format!("{path}?version=2"), None).await;
    assert_eq!((gone.status, &gone.json()["breaches"][0]["code"]), (422, &"too-few-patients".into()));
    let elsewhere = operator.ask("PUT", "/api/v1/register/practice/dijkzicht@medmij", Some(&wish)).await;
    assert_eq!((elsewhere.status, &elsewhere.json()["error"]), (400, &"no-entry".into()));
    let versions = Operator::new(&gateway, "toezicht").get(&format!("{path}/versions")).await;
    let told: Vec<_> = versions.as_array().unwrap().iter().map(|one| (&one["version"], &one["by"])).collect();
    let by: Value = "wacht.localhost".into();
    assert_eq!(told, [(&2.into(), &by), (&1.into(), &by)]);
    gateway.stop().await;
}

#[tokio::test]
async fn where_a_coalition_stands_and_what_a_practice_may_declare_is_told() {
    let gateway = Gateway::start().await;
    let operator = registered(&gateway).await;
    let standing = operator.get("/api/v1/register/coalition/waterland").await["standing"].clone();
    assert_eq!(
        (&standing["practices"], &standing["patients"], &standing["on_zal"]),
        (&2.into(), &100_000.into(), &1.into())
    );
    assert_eq!((&standing["next"], &standing["steps"][0]["on"]), (&"registered".into(), &"2020-03-01".into()));
    let linde = operator.get("/api/v1/register/practice/huisarts.delinde@medmij").await;
    assert_eq!((&linde["network"]["on_zal"], &linde["network"]["served"]), (&true.into(), &true.into()));
    let fields: Vec<_> = linde["network"]["differences"].as_array().unwrap().iter().map(|one| &one["field"]).collect();
    assert!(fields.contains(&&"place".into()), "{linde}");
    let declaration = &linde["declaration"];
    assert_eq!((&declaration["declarable"], &declaration["cents"]), (&false.into(), &16_980_000.into()));
    let unmet: Vec<_> =
        declaration["conditions"].as_array().unwrap().iter().filter(|one| one["evidence"].is_null()).collect();
    assert_eq!((unmet.len(), &unmet[0]["text"]["en"]), (1, &"HIS works per the guideline".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn its_pages_are_in_both_languages_and_show_who_changed_what_to_those_who_may_know() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    let [reader, operator] = ["lezer", "wacht"].map(|file| Operator::new(&gateway, file));
    for (path, lang, texts) in [
        ("coalition", "nl", &["Coalities (1)", "Regio Waterland", "dag en bewijs van: aangemeld"][..]),
        ("coalition", "en", &["Coalitions (1)", "day and evidence of: registered", "goal 95 %"]),
        ("practice", "nl", &["Praktijken (2)", "Declarabel: nee", "HIS werkt volgens de richtlijn"]),
        ("organisation", "en", &["care group", "LHV circle"]),
        ("supplier", "nl", &["HIS-leveranciers (1)", "Leverancier A"]),
        ("coalition/waterland", "nl", &["coalitie gevormd", "2020-03-01", "nog niet", "Penvoerder"]),
        (
            "practice/huisarts.delinde@medmij",
            "en",
            &["EUR 169800.00", "nieuwsbrief juni 2020", "Different in the configuration"],
        ),
        ("organisation/kring", "nl", &["LHV-kring"]),
    ] {
        let page = reader.ask("GET", &format!("/register/{path}?lang={lang}"), None).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains(&format!("<html lang=\"{lang}\">")), "{path}");
        for text in texts {
            assert!(page.text.contains(text), "{path}: {text}\n{}", page.text);
        }
        assert!(!page.text.contains("wacht.localhost"), "{path}: a reader does not see who changed it");
    }
    let versions = operator.ask("GET", "/register/coalition/waterland?lang=nl", None).await.text;
    assert!(versions.contains("Versies") && versions.contains("wacht.localhost"), "{versions}");
    let other = "href=\"/register/practice?with=linde&#38;lang=en\"";
    let found = reader.ask("GET", "/register/practice?with=linde&lang=nl", None).await.text;
    assert!(found.contains("Praktijken (1)") && found.contains(other), "{found}");
    assert_eq!(reader.ask("GET", "/register/coalition/nergens", None).await.status, 404);
    assert_eq!(reader.ask("GET", "/register/bank", None).await.status, 404);
    gateway.stop().await;
}

/// The form of a practice, as somebody fills it in.
fn dijkzicht(version: &'static str, patients: &'static str) -> [(&'static str, &'static str); 11] {
    [
        ("provider", "dijkzicht@medmij"),
        ("version", version),
        ("agb", "01990099"),
        ("name", "Praktijk Dijkzicht"),
        ("place", "Zomerwind"),
        ("patients", patients),
        ("patients_16", "30000"),
        ("supplier", "his-a"),
        ("installation", "his-a-2"),
        ("system_version", "12.4"),
        ("coalitions", "waterland 2020-01-01.."),
    ]
}

#[tokio::test]
async fn forms_add_change_and_remove_and_lose_nothing_that_was_typed() {
    let gateway = Gateway::start().await;
    let operator = registered(&gateway).await;
    let reader = Operator::new(&gateway, "lezer");
    assert_eq!(reader.ask("GET", "/register-form/supplier", None).await.status, 403);
    let page = reader.ask("GET", "/register/supplier/his-a?lang=nl", None).await.text;
    assert!(!page.contains("/register-form"), "a reader has no form: {page}");

    let wrong = operator.send("/register-form/supplier?lang=nl", &[("id", "HIS B"), ("name", "Leverancier B")]).await;
    assert_eq!(wrong.status, 400);
    for said in ["value=\"HIS B\"", "value=\"Leverancier B\"", "aria-invalid", "lower-case letters", "Niet opgeslagen"]
    {
        assert!(wrong.text.contains(said), "{said}\n{}", wrong.text);
    }
    let number = operator.send("/register-form/supplier", &[("id", "b"), ("name", &gateway.patient())]).await;
    assert!(number.status == 400 && !number.text.contains(&gateway.patient()), "no BSN comes back");
    let added = operator.send("/register-form/supplier?lang=en", &[("id", "his-b"), ("name", "Leverancier B")]).await;
    assert_eq!((added.status, &added.headers["location"]), (303, &"/register/supplier/his-b?lang=en".parse().unwrap()));
    let page = operator.ask("GET", "/register/supplier/his-b?lang=en", None).await.text;
    assert!(page.contains("Leverancier B") && page.contains("action=\"/register-form/supplier?lang=en\""), "{page}");
    assert_eq!(gateway.last_audit("administration")["detail"], "register: supplier:his-b from version 0, revision 2");

    let form = operator.ask("GET", "/register-form/practice?id=dijkzicht@medmij&lang=nl", None).await.text;
    for said in ["value=\"Praktijk Dijkzicht\"", "value=\"waterland 2020-01-01..\"", "name=\"version\" value=\"1\""] {
        assert!(form.contains(said), "{said}\n{form}");
    }
    let small = operator.send("/register-form/practice?lang=nl", &dijkzicht("1", "39999")).await;
    assert!(small.status == 422 && small.text.contains("99999 patiënten"), "{}", small.text);
    assert!(small.text.contains("value=\"39999\""));
    let larger = operator.send("/register-form/practice?lang=nl", &dijkzicht("1", "41000")).await;
    assert_eq!(larger.status, 303, "{}", larger.text);
    let second = operator.send("/register-form/practice?lang=nl", &dijkzicht("1", "42000")).await;
    assert_eq!(second.status, 409);
    for said in ["patients: 40000 → 41000", "value=\"42000\"", "name=\"version\" value=\"2\""] {
        assert!(second.text.contains(said), "{said}\n{}", second.text);
    }
    assert_eq!(operator.send("/register-form/practice?lang=nl", &dijkzicht("2", "42000")).await.status, 303);

    let foreign = operator
        .send_from_elsewhere("/register-form/supplier", &[("action", "remove"), ("id", "his-b"), ("version", "1")]);
    assert_eq!(foreign.await.status, 403);
    let in_use =
        operator.send("/register-form/supplier", &[("action", "remove"), ("id", "his-a"), ("version", "1")]).await;
    assert_eq!(in_use.status, 422, "practices refer to it: {}", in_use.text);
    let gone =
        operator.send("/register-form/supplier", &[("action", "remove"), ("id", "his-b"), ("version", "1")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert!(!reader.ask("GET", "/register/supplier", None).await.text.contains("Leverancier B"));
    let linde = reader.ask("GET", "/register/practice/huisarts.delinde@medmij?lang=nl", None).await.text;
    assert!(linde.contains("Openstelling: ") && linde.contains("49 open"), "{linde}");
    gateway.stop().await;
}
