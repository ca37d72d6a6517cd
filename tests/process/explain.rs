//! `inzage explain`: from files, of a running node, and with a mark in place of a number.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Ended, Home, text};

const ASKED: [&str; 6] = ["--provider", "huisarts.delinde@medmij", "--service", "49", "--client", "pgo.localhost"];

async fn of_files(home: &Home, more: &[&str]) -> Ended {
    let config = home.path("gateway.toml");
    home.run(&[&["explain", "--config", text(&config)], &ASKED[..], more].concat()).await
}

/// The mark that the command prints for the number on its standard input.
fn mark(home: &Home, bsn: &str) -> String {
    let config = home.path("gateway.toml");
    let mut child = Command::new(env!("CARGO_BIN_EXE_inzage"))
        .args(["mark", "--config", text(&config), "--bsn-from-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bsn.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_a_running_node_explain_the_same() {
    let home = Home::new();
    let _world = home.world().await;
    let missing = of_files(&home, &["EpisodeOfCare"]).await;
    assert_eq!(missing.code, Some(69), "there is no store before a node made one: {}", missing.err);
    let described: Value = serde_json::from_slice(&fs::read(home.path("sandbox.json")).unwrap()).unwrap();
    let gateway = home.serve().ready(described["ops"].as_str().unwrap()).await;

    let passed = of_files(&home, &["EpisodeOfCare"]).await;
    assert_eq!(passed.code, Some(0), "{}{}", passed.out, passed.err);
    for said in ["passed   lists", "passed   go-live", "unknown  breaker", "it would go through"] {
        assert!(passed.out.contains(said), "{said}: {}", passed.out);
    }
    let refused = of_files(&home, &["GET Medication"]).await;
    assert!(refused.code == Some(1) && refused.out.contains("refused: unknown-type (404)"), "{}", refused.out);
    let wrong = of_files(&home, &["Patient?identifier=999911132"]).await;
    assert!(wrong.code == Some(65) && !wrong.err.contains("999911132"), "{}", wrong.err);

    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    let admin = config.split("[admin]").nth(1).unwrap();
    let origin = admin.lines().find_map(|line| line.strip_prefix("origin = ")).unwrap().trim_matches('"');
    let files = ["wacht.pem", "wacht.key", "ca.pem"].map(|name| home.path(name));
    let [cert, key, roots] = [0, 1, 2].map(|at| text(&files[at]));
    let node = ["explain", "--url", origin, "--cert", cert, "--key", key, "--roots", roots, "--address", "127.0.0.1"];
    let live = home.run(&[&node[..], &ASKED, &["--json", "EpisodeOfCare"]].concat()).await;
    assert_eq!(live.code, Some(0), "{}{}", live.out, live.err);
    let live: Value = serde_json::from_str(&live.out).unwrap();
    let of_files: Value = serde_json::from_str(&of_files(&home, &["--json", "EpisodeOfCare"]).await.out).unwrap();
    let (live, files) = (live["steps"].as_array().unwrap(), of_files["steps"].as_array().unwrap());
    assert_eq!(live.len(), files.len());
    let (last, steps) = live.split_last().unwrap();
    assert_eq!(steps, &files[..steps.len()]);
    assert_eq!((&last["name"], &last["verdict"]), (&"breaker".into(), &"passed".into()));

    let bsn = described["patients"][0]["bsn"].as_str().unwrap();
    let mark = mark(&home, bsn);
    assert!(mark.len() == 64 && !mark.contains(bsn));
    let marked = home.run(&[&node[..], &ASKED, &["--bsn-hash", &mark, "EpisodeOfCare"]].concat()).await;
    assert_eq!(marked.code, Some(0), "the practice is open to everybody: {}", marked.err);
    drop(gateway);
}
