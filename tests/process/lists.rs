//! `inzage lists`: what it says about files, and what it fetches.

use std::fs;

use inzage::clock::{Clock as _, SystemClock};
use inzage::lists::ListKind;

use crate::harness::{Home, text};

/// One of the sample lists.
fn sample(name: &str) -> String {
    format!("{}/fixtures/lists/{name}.xml", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn valid_lists_of_every_kind_are_in_order() {
    let home = Home::new();
    let files =
        ["zal", "zal-release2", "ocl", "whl", "whl-text", "gnl", "zakl"].map(|name| sample(&format!("{name}-good")));
    let mut arguments = vec!["lists", "validate"];
    arguments.extend(files.iter().map(String::as_str));
    let ended = home.run(&arguments).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.out.lines().count(), files.len());
    let whl = format!("{}: in order: Whitelist, number 903, published 2026-03-02T08:30:00Z, 3 entries", files[4]);
    assert!(ended.out.lines().any(|line| line == whl), "{}", ended.out);
}

#[tokio::test]
async fn a_fault_has_file_line_column_and_element() {
    let home = Home::new();
    let (good, bad, none) = (sample("gnl-good"), sample("ocl-uppercase-host"), "/nowhere/list.xml");
    let ended = home.run(&["lists", "validate", &good, &bad, none]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.starts_with(&format!("{good}: in order: ")), "{}", ended.out);
    let expected = format!(
        "inzage: {bad}:11:7: in <OAuthclient>: the value of <Hostname> is not valid: not a fully qualified host name in \
         lower case"
    );
    let mut lines = ended.err.lines();
    assert_eq!(lines.next(), Some(expected.as_str()));
    assert!(lines.next().is_some_and(|line| line.starts_with("inzage: /nowhere/list.xml: cannot be read: ")));
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn ports_on_the_front_channel_are_a_matter_of_asking() {
    let home = Home::new();
    let file = sample("zal-front-channel-port");
    assert_eq!(home.run(&["lists", "validate", &file]).await.code, Some(1));
    assert_eq!(home.run(&["lists", "validate", "--allow-ports", &file]).await.code, Some(0));
}

#[tokio::test]
async fn a_list_is_shown_as_a_whole_and_by_entry() {
    let home = Home::new();
    let ended = home.run(&["lists", "show", &sample("zal-good")]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    for line in [
        "providers of service 49 in version 2: 1",
        "informatiepunt-noord@medmij",
        "    version 2 service 51 subscription of at most 120 days https://node.inzage.example/subscription",
    ] {
        assert!(ended.out.lines().any(|shown| shown == line), "{line} in {}", ended.out);
    }
    let ended = home.run(&["lists", "show", &sample("zakl-good"), "huisartsen.deberk@medmij"]).await;
    let lines: Vec<_> = ended.out.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "huisartsen.deberk@medmij",
            "    AGB 01990001",
            "    URA 90000001",
            "    service 49 (Huisartsgegevens) in versions 1.4.0, 2",
            "    service 51 (Documenten) in versions 2",
        ]
    );
    let ended = home.run(&["lists", "show", &sample("zakl-good"), "nobody@medmij"]).await;
    assert!(ended.out.ends_with("\nno nobody@medmij in it\n"), "{}", ended.out);
}

#[tokio::test]
async fn two_lists_are_compared_entry_by_entry() {
    let home = Home::new();
    let newer = fs::read_to_string(sample("ocl-good")).unwrap().replace("Zonnewijzer <PGO>", "Zonnewijzer");
    fs::write(home.path("newer.xml"), newer).unwrap();
    let ended = home.run(&["lists", "diff", &sample("ocl-good"), text(&home.path("newer.xml"))]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let lines: Vec<_> = ended.out.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "changed  pgo.zonnewijzer.example",
            "    - organisation Zonnewijzer <PGO>",
            "    + organisation Zonnewijzer",
            "differences: 1",
        ]
    );
    let ended = home.run(&["lists", "diff", &sample("ocl-good"), &sample("whl-good")]).await;
    assert!(ended.out.ends_with("nothing to compare\n"), "{}", ended.out);
    assert_eq!(home.run(&["lists", "diff", &sample("ocl-good"), &sample("ocl-attribute")]).await.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_fetched_checked_and_written() {
    let home = Home::new();
    let world = home.world().await;
    let (config, to) = (home.path("gateway.toml"), home.path("fetched"));
    let arguments = ["lists", "fetch", "--config", text(&config), "--to", text(&to)];
    let fetch = || home.run(&arguments);
    let ended = fetch().await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    assert_eq!(ended.out.lines().count(), 4);
    for kind in ListKind::ALL {
        let file = to.join(kind.file_name());
        let code = home.run(&["lists", "validate", "--allow-ports", text(&file)]).await.code;
        assert_eq!(code, Some(0), "{kind}");
    }

    let lists = world.layout.lists(2, SystemClock.now()).into_iter();
    world.publisher.publish(lists.map(|(kind, list)| match kind {
        ListKind::Gnl => (kind, "<Gegevensdienstnamenlijst/>".to_owned()),
        ListKind::Zal | ListKind::Ocl | ListKind::Whl => (kind, list),
    }));
    let ended = fetch().await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    let refused = to.join("MedMij_Gegevensdienstnamenlijst.xml.refused");
    let place = format!("inzage: {}:1:1: <Gegevensdienstnamenlijst> is not in a namespace", refused.display());
    assert!(ended.err.starts_with(&place), "{}", ended.err);
    assert!(refused.exists() && !home.path("gateway").exists());

    world.stop().await.unwrap();
    let ended = fetch().await;
    assert_eq!(ended.code, Some(69), "{}", ended.out);
    assert_eq!(
        ended.err.lines().next(),
        Some("inzage: zal: the publisher cannot be reached, is not trusted, or broke off")
    );
}
