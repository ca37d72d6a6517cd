//! The OPEN monitor as a reader sees it: pages in both languages, tables as files, and nothing small in any of them.

use inzage::clock::Clock as _;
use inzage::report::{Period, Scope};

use super::Operator;
use super::register::registered;
use crate::harness::Gateway;

#[tokio::test]
async fn a_reader_sees_the_programme_and_no_small_number() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    session.bundle("EpisodeOfCare").await;
    let reader = Operator::new(&gateway, "lezer");

    let told = reader.get("/api/v1/monitor/coalition:waterland").await;
    assert_eq!((&told["name"], &told["settled"]), (&"Regio Waterland".into(), &false.into()));
    let tables = told["tables"].as_array().unwrap();
    let names: Vec<_> = tables.iter().map(|table| table["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["key-figures", "viewers", "requests", "over-time", "practices"]);
    assert_eq!(tables[0]["rows"][0][1]["value"], 2, "practices are counted as they are");
    assert_eq!(tables[0]["rows"][3][1]["told"], "fewer-than-10", "whether nobody looked or one");

    for (path, lang, text) in [
        ("/monitor", "nl", "OPEN-monitor"),
        ("/monitor", "en", "Practices on the ZAL by month"),
        ("/monitor/coalition:waterland", "nl", "Praktijk Dijkzicht"),
        ("/monitor/supplier:his-a", "en", "Leverancier A"),
        ("/monitor/practice:dijkzicht@medmij", "en", "not shown"),
        ("/monitor/report/coalition:waterland", "nl", "de inzage is nog niet aangezet"),
        ("/monitor/final", "en", "Final monitor"),
    ] {
        let page = reader.ask("GET", &format!("{path}?lang={lang}"), None).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains(text), "{path} {text}");
        assert!(!page.text.contains("<script"));
    }
    gateway.stop().await;
}

/// Returns when the node has written down which practices the ZAL names.
async fn until_the_zal_is_kept(gateway: &Gateway) {
    let month = Period::month_of(gateway.clock.now()).unwrap();
    while gateway.controls().figures.figures(&Scope::Whole, month).await.unwrap().on_zal == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn files_are_for_those_they_are_meant_for() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    until_the_zal_is_kept(&gateway).await;
    let reader = Operator::new(&gateway, "lezer");
    let table = reader.ask("GET", "/api/v1/monitor/whole/coalitions.csv", None).await;
    assert!(table.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert!(
        table.text.starts_with("name,practices,practices_told,share_on_zal,viewers,viewers_told"),
        "{}",
        table.text
    );
    assert!(table.text.contains("Regio Waterland,2,exact,0.5000,fewer-than-10,fewer-than-10"), "{}", table.text);
    let meaning = reader.ask("GET", "/api/v1/monitor/whole/definitions.csv?lang=en", None).await;
    assert!(meaning.text.contains("success_rate,Share that succeeded,"));

    let declarations = reader.ask("GET", "/api/v1/monitor-files/declarations.csv?lang=en", None).await.text;
    let lines: Vec<_> = declarations.lines().collect();
    assert_eq!((lines[0], lines.len()), ("agb,name,declarable,because", 3));
    assert!(lines[1].starts_with("01990099,Praktijk Dijkzicht,no,"), "{declarations}");
    let research = reader.ask("GET", "/api/v1/monitor-files/research.csv", None).await.text;
    assert!(research.contains("Regio Waterland") && !research.contains("Dijkzicht"), "{research}");

    for (path, status) in [
        ("/api/v1/monitor-files/medmij.xml?participant=A", 404),
        ("/api/v1/monitor-files/medmij.xml?period=2020-01", 400),
        ("/api/v1/monitor-files/iets.csv", 404),
        ("/api/v1/monitor/whole?period=2099-01", 404),
        ("/api/v1/monitor/whole?period=ooit", 400),
        ("/api/v1/monitor/coalition:elders", 404),
        ("/api/v1/monitor/nergens", 400),
        ("/monitor/coalition:elders", 404),
        ("/monitor/report/whole", 404),
    ] {
        assert_eq!(reader.ask("GET", path, None).await.status, status, "{path}");
    }
    let report = reader.ask("GET", "/api/v1/monitor-files/medmij.xml?period=2020-01&participant=A%26B", None).await;
    assert_eq!((report.status, report.text.contains("<Deelnemer>A&amp;B</Deelnemer>")), (200, true), "{}", report.text);
    gateway.stop().await;
}
