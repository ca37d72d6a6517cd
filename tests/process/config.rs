//! `inzage check-config`, and `inzage serve` with a file that has faults.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::harness::{Ended, Home, text};

/// Four slips of the pen, in the order of the file: what stands there, what stands there instead, and the key to name.
const SLIPS: [(&str, &str, &str); 4] = [
    ("[node]\n", "[node]\nnmae = \"b\"\n", "node.nmae"),
    ("kind = \"simulator\"", "kind = \"simulatr\"", "login.kind"),
    ("state = \"open\"", "state = \"opne\"", "practices[0].state"),
    ("his = \"his-b\"", "his = \"his-bb\"", "practices[1].his"),
];

/// Writes the slips into the sandbox's configuration, under another name.
fn slip(home: &Home) -> String {
    let mut config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    for (right, wrong, _) in SLIPS {
        assert!(config.contains(right), "{right}");
        config = config.replacen(right, wrong, 1);
    }
    fs::write(home.path("slips.toml"), config).unwrap();
    text(&home.path("slips.toml")).to_owned()
}

/// One line a fault, all of them, each with file, line, column and what to do.
fn assert_names_every_slip(ended: &Ended, file: &str) {
    assert_eq!(ended.code, Some(78), "{}", ended.err);
    let lines: Vec<_> = ended.err.lines().skip(1).collect();
    assert_eq!(lines.len(), SLIPS.len(), "{lines:#?}");
    for (line, (_, _, key)) in lines.iter().zip(SLIPS) {
        let mut parts = line.strip_prefix(file).unwrap_or_else(|| panic!("no file in {line}")).splitn(4, ':');
        assert_eq!(parts.next(), Some(""));
        assert!(parts.next().is_some_and(|row| row.parse::<u32>().is_ok()), "no line number in {line}");
        assert!(parts.next().is_some_and(|column| column.parse::<u32>().is_ok()), "no column in {line}");
        assert!(parts.next().is_some_and(|fault| fault.contains(key)), "no {key} in {line}");
        assert!(line.ends_with("`?)") && line.contains("(did you mean `"), "no help in {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_sandbox_is_in_order() {
    let home = Home::new();
    let world = home.world().await;
    let ended = home.run(&["check-config", text(&home.path("gateway.toml"))]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.ends_with(": in order (3 practices)\n"), "{}", ended.out);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_is_no_failure() {
    let home = Home::new();
    let world = home.world().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_inzage"))
        .args(["check-config", text(&home.path("gateway.toml"))])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_named_at_once_before_a_port_is_bound() {
    let home = Home::new();
    let world = home.world().await;
    let file = slip(&home);
    assert_names_every_slip(&home.run(&["check-config", &file]).await, &file);
    // With its ports taken, a gateway that came as far as binding would say so instead.
    let port = |origin: &str| origin.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let origins = [world.layout.front_origin(), world.layout.back_origin(), world.layout.ops_url()];
    let taken = origins.map(|origin| TcpListener::bind(("127.0.0.1", port(&origin))).unwrap());
    assert_names_every_slip(&home.run(&["serve", "--config", &file]).await, &file);
    assert!(!home.path("gateway").exists(), "a folder was made");
    drop(taken);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn case_97_a_key_that_others_can_read_is_refused() {
    let home = Home::new();
    let world = home.world().await;
    fs::set_permissions(home.path("sealing.key"), Permissions::from_mode(0o644)).unwrap();
    let file = home.path("gateway.toml");
    for arguments in [&["check-config", text(&file)][..], &["serve", "--config", text(&file)]] {
        let ended = home.run(arguments).await;
        assert_eq!(ended.code, Some(78), "{}", ended.err);
        assert!(ended.err.contains("sealing.key") && ended.err.ends_with("(chmod 600)\n"), "{}", ended.err);
    }
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_catalogue_of_ones_own_is_checked_with_the_configuration() {
    let home = Home::new();
    let world = home.world().await;
    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    fs::write(home.path("own.toml"), format!("{config}\n[services]\ncatalogue = \"services.toml\"\n")).unwrap();
    let file = text(&home.path("own.toml")).to_owned();
    let shipped = include_str!("../../src/services/default.toml");
    let renumbered = shipped.replace("id = \"63\"", "id = \"163\"");
    let misspelt = shipped.replacen("purpose = \"collect\"", "purpose = \"colect\"", 1);
    let line = misspelt.lines().position(|line| line.contains("colect")).unwrap() + 1;
    for (catalogue, code, said) in [
        (shipped, 0, String::new()),
        (&renumbered, 78, "clients.portaal.localhost.services".to_owned()),
        (&misspelt, 78, format!("services.toml: expected a service catalogue; on line {line}: ")),
    ] {
        fs::write(home.path("services.toml"), catalogue).unwrap();
        let ended = home.run(&["check-config", &file]).await;
        assert_eq!(ended.code, Some(code), "{}", ended.err);
        assert!(ended.err.contains(&said), "{}", ended.err);
    }
    let ended = home.run(&["serve", "--config", &file]).await;
    assert_eq!(ended.code, Some(78), "{}", ended.err);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_fit_its_key_is_named_at_the_start() {
    let home = Home::new();
    let world = home.world().await;
    fs::copy(home.path("front.key"), home.path("back.key")).unwrap();
    let ended = home.run(&["serve", "--config", text(&home.path("gateway.toml"))]).await;
    assert_eq!(ended.code, Some(78), "{}", ended.err);
    assert!(ended.err.contains("back.pem cannot be used with its key"), "{}", ended.err);
    world.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_fault_too() {
    let home = Home::new();
    let file = home.path("none.toml");
    let ended = home.run(&["check-config", text(&file)]).await;
    assert_eq!(ended.code, Some(78));
    assert!(ended.err.contains(text(&file)), "{}", ended.err);
}

#[tokio::test]
async fn the_version_is_that_of_the_package() {
    let ended = Home::new().run(&["--version"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), concat!("inzage ", env!("CARGO_PKG_VERSION"), "\n")));
}
