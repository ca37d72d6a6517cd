//! Tests of the configuration as a whole: each fault at its key and line, all at once, and the shipped example.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use toml::de::DeTable;

use super::log::Log;
use super::section::Section;
use super::source::Source;
use super::*;
use crate::practices::ClosedEpisodes;

mod login;

const EXAMPLE: &str = include_str!("../../deploy/inzage.example.toml");

/// The smallest whole configuration; line 1 is `environment`.
const SMALL: &str = r#"environment = "sandbox"
node = { name = "a" }
login = { kind = "simulator" }
keys = { sealing = "keys/s", audit = "keys/a" }
[front]
listen = "127.0.0.1:8441"
origin = "https://inzage.localhost:8441"
certificate = "front.pem"
key = "front.key"
[back]
listen = "127.0.0.1:8442"
origin = "https://inzage.localhost:8442"
certificate = "back.pem"
key = "back.key"
client_roots = "ca.pem"
[lists]
zal = "https://stelselnode.localhost:8440/z.xml?api=2"
ocl = "https://stelselnode.localhost:8440/o.xml?api=2"
whl = "https://stelselnode.localhost:8440/w.xml?api=2"
gnl = "https://stelselnode.localhost:8440/g.xml?api=2"
roots = "ca.pem"
[[his]]
id = "his-a"
dialect = "fhir"
base_url = "https://his-a.localhost:8460/fhir/"
roots = "ca.pem"
[[practices]]
provider = "huisarts.delinde@medmij"
name = "Huisartsenpraktijk De Linde"
place = "Zutphen"
his = "his-a"
access_start_date = 2020-01-01
state = "open"
[audit]
checkpoint_key = "keys/c"
"#;

fn parse(text: &str) -> Result<Config, ConfigFaults> {
    Config::parse(Path::new("/etc/inzage/inzage.toml"), text.to_owned())
}

/// Key, line (0: none) and text with help of every fault.
fn faults(text: &str) -> Vec<(String, usize, String)> {
    let line = |fault: &Fault| fault.place().map_or(0, |place| place.line);
    let text_of = |fault: &Fault| format!("{} {}", fault.problem(), fault.problem().help().unwrap_or_default());
    let all = parse(text).err().map(|all| all.faults().to_vec()).unwrap_or_default();
    all.iter().map(|fault| (fault.key().to_owned(), line(fault), text_of(fault))).collect()
}

/// A portal in front of the first HIS, with one part replaced.
fn portal(from: &str, to: &str) -> String {
    let text = r#"[clients."x.nl"]
kind = "portal"
encrypt = false
name = "Portaal"
practices = ["huisarts.delinde@medmij"]
services = ["49"]
jwks = "x.jwks.json"
rate = 60
redirect_uris = ["https://x.nl/terug"]
[[his]]"#;
    assert_eq!(text.matches(from).count(), 1, "{from} stands once");
    text.replace(from, to)
}

/// The small configuration with one line replaced.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(SMALL.matches(from).count(), 1, "{from} stands once");
    SMALL.replace(from, to)
}

#[cfg(feature = "sandbox")]
#[test]
fn the_small_one_is_whole_and_its_defaults_are_those_of_the_documentation() {
    let config = parse(SMALL).unwrap();
    assert_eq!(config.his[0].base_url.as_str(), "https://his-a.localhost:8460/fhir");
    assert_eq!(config.audit.dir, Path::new("/etc/inzage/data/audit"));
    assert!(matches!(&config.store, Store::Sqlite(files) if files.path == Path::new("/etc/inzage/data/inzage.sqlite")));
    assert_eq!((config.audit.unsigned_max.as_secs(), config.audit.witnesses.len()), (300, 0));
    assert_eq!(config.lists.copy, Path::new("/etc/inzage/data/lists"));
    assert_eq!(config.lists.identity, config.back.identity);
    assert_eq!(config.keys.sealing, Path::new("/etc/inzage/keys/s"));
    assert_eq!(config.release.token_lifetime.as_secs(), 900);
    assert_eq!(config.practices[0].access_start_date, jiff::civil::date(2020, 1, 1));
    assert_eq!(config.practices[0].minimum_age, 16);
    assert_eq!(config.practices[0].closed_episodes, ClosedEpisodes::Flagged);
    assert_eq!(config.ops.listen.to_string(), "127.0.0.1:8490");
    assert_eq!((config.oauth.refresh_months, config.oauth.token_scope), (6, TokenScope::Ids));
    assert_eq!((config.oauth.scope_release, config.oauth.require_ids), (crate::medmij::ScopeRelease::Two, false));
}

/// `inzage check-config` looks at its files in tests/deploy.
#[test]
fn the_configuration_of_production_is_whole_and_strict() {
    let text = include_str!("../../deploy/inzage.production.toml");
    let config = parse(text).unwrap();
    assert_eq!(config.environment, Environment::Production);
    assert!(matches!(&config.store, Store::Postgres(server) if server.password.is_some() && server.roots.is_some()));
    assert!(!config.audit.witnesses.is_empty() && config.practices.iter().all(|it| it.state == PracticeState::Closed));
    let stop = config.release.his_deadline + std::time::Duration::from_secs(5);
    assert!(config.node.grace >= stop, "a stop loses no answer");
}

#[test]
fn a_telephone_number_has_digits() {
    let with = |phone: &str| changed("key = \"front.key\"", &format!("key = \"k\"\n[operator]\nphone = \"{phone}\""));
    for phone in ["call me", "", "12", "088 123 45 67 x"] {
        let faults = faults(&with(phone));
        assert!(
            matches!(&faults[..], [(key, 11, text)] if key == "operator.phone" && text.contains("telephone number"))
        );
    }
    assert!(faults(&with("+31 (88) 123 45 67")).is_empty());
}

#[test]
fn each_single_fault_is_named_with_its_key_and_line() {
    let table = [
        (r#"environment = "sandbox""#, r#"environment = "prodution""#, "environment", 1, "`production`"),
        (r#"environment = "sandbox""#, "", "environment", 0, "is missing"),
        (r#"node = { name = "a" }"#, r#"node = { name = "A" }"#, "node.name", 2, "lower-case"),
        (r#"node = { name = "a" }"#, "node = 7", "node", 2, "found 7, expected a table"),
        (r#"node = { name = "a" }"#, "", "node", 0, "a section [node]"),
        (r#"{ name = "a" }"#, r#"{ name = "a", grace_seconds = 301 }"#, "node.grace_seconds", 2, "1 to 300"),
        (r#"{ name = "a" }"#, r#"{ name = "a", grace_seconds = "20s" }"#, "node.grace_seconds", 2, "found \"20s\""),
        (r#"{ name = "a" }"#, r#"{ name = "a", grace = 20 }"#, "node.grace", 2, "`grace_seconds`"),
        (r#"kind = "simulator""#, r#"kind = "digid""#, "login.kind", 3, "\"simulator\""),
        (r#"sealing = "keys/s""#, r#"sealing = """#, "keys.sealing", 4, "expected the path"),
        (r#"listen = "127.0.0.1:8441""#, r#"listen = "8441""#, "front.listen", 6, "an address with a port"),
        (
            r#"origin = "https://inzage.localhost:8441""#,
            r#"origin = "https://a.nl/x""#,
            "front.origin",
            7,
            "without path",
        ),
        (r#"certificate = "front.pem""#, "", "front.certificate", 5, "is missing"),
        (r#"key = "front.key""#, r#"kee = "front.key""#, "front.key", 5, "is missing"),
        (r#"listen = "127.0.0.1:8442""#, r#"listen = "0.0.0.0:8441""#, "back.listen", 11, "the same as `front.listen`"),
        (r#"listen = "127.0.0.1:8442""#, r#"listen = "127.0.0.1:8490""#, "ops.listen", 0, "the same as `back.listen`"),
        ("inzage.localhost:8442", "inzage.localhost:8441", "back.origin", 12, "the same as `front.origin`"),
        (r#"zal = "https:"#, r#"zal = "http:"#, "lists.zal", 17, "an https URL"),
        ("[[his]]", "certificate = \"x.pem\"\n[[his]]", "lists.certificate", 22, "expected `key` beside it"),
        ("[[his]]", "refresh_seconds = 59\n[[his]]", "lists.refresh_seconds", 22, "60 to 3600"),
        ("[[his]]", "[ops]\nlisten = \"0.0.0.0:8490\"\n[[his]]", "ops.listen", 23, "a loopback address"),
        ("[[his]]", "[release]\nhis_deadline_ms = 55001\n[[his]]", "release.his_deadline_ms", 23, "100 to 55000"),
        ("[[his]]", "[release]\nhis_deadline_ms = -1\n[[his]]", "release.his_deadline_ms", 23, "found -1"),
        ("[[his]]", "[resolve]\n\"x.nl\" = \"y.nl\"\n[[his]]", "resolve.x.nl", 23, "an IP address"),
        ("[[his]]", "[resolve]\nX = \"::1\"\n[[his]]", "resolve.X", 23, "host name"),
        ("[[his]]", "[resolve]\n\"x\\ny\" = \"::1\"\n[[his]]", "resolve.x\\u{a}y", 23, "host name"),
        ("[[his]]", "[clients.\"x.nl\"]\npeers = []\n[[his]]", "clients.x.nl.peers", 23, "at least one"),
        ("[[his]]", "[clients.\"x.nl\"]\nkind = \"portaal\"\n[[his]]", "clients.x.nl.kind", 23, "`portal`"),
        ("[[his]]", "[clients.\"x.nl\"]\njwks = \"k.json\"\n[[his]]", "clients.x.nl.jwks", 23, "not a known key"),
        ("[[his]]", "[oauth]\nrefresh_months = 13\n[[his]]", "oauth.refresh_months", 23, "1 to 12"),
        ("[[his]]", "[oauth]\ntoken_scope = \"id\"\n[[his]]", "oauth.token_scope", 23, "\"ids\""),
        ("[[his]]", "[telemetry]\nlog = \"inof\"\n[[his]]", "telemetry.log", 23, "`info`"),
        ("[[his]]", "[tellemetry]\n[[his]]", "tellemetry", 22, "`telemetry`"),
        (r#"dialect = "fhir""#, r#"dialect = "fire""#, "his[0].dialect", 24, "\"fhir\""),
        (r#"dialect = "fhir""#, "dialect = \"fhir\"\nkey = \"x.key\"", "his[0].key", 25, "expected `certificate`"),
        (r#"his = "his-a""#, r#"his = "his-b""#, "practices[0].his", 31, "`his-a`"),
        ("huisarts.delinde@medmij", "delinde", "practices[0].provider", 28, "@medmij"),
        ("2020-01-01", "2020-02-30", "", 32, "is not TOML"),
        ("2020-01-01", "\"2020-02-30\"", "practices[0].access_start_date", 32, "a day such as"),
        ("2020-01-01", "2020-01-01T00:00:00", "practices[0].access_start_date", 32, "a day such as"),
        (r#"state = "open""#, r#"state = "opne""#, "practices[0].state", 33, "`open`"),
        (
            r#"state = "open""#,
            "state = \"open\"\nclosed_episodes = \"some\"",
            "practices[0].closed_episodes",
            34,
            "\"flagged\" or \"all\" or \"none\"",
        ),
        (r#"state = "open""#, "state = \"open\"\nminimum_age = 15", "practices[0].minimum_age", 34, "16 to 120"),
        (r#"name = "Huisartsenpraktijk De Linde""#, r#"name = """#, "practices[0].name", 29, "1 to 100"),
    ];
    assert_each(&table);
}

#[test]
fn each_fault_of_the_store_is_named_with_its_key_and_line() {
    assert_each(&[
        ("[[his]]", "[store.postgres]\n[[his]]", "store.postgres.url", 22, "postgres://inzage@db.example/inzage"),
        (
            "[[his]]",
            "[store.postgres]\nurl = \"postgres://i@db.example/i\"\n[[his]]",
            "store.postgres.roots",
            22,
            "certificates to trust",
        ),
        (
            "[[his]]",
            "[store.postgres]\nurl = \"postgres://i@db.example/i?sslmode=disable\"\n[[his]]",
            "store.postgres.url",
            23,
            "on this machine only",
        ),
        (
            "[[his]]",
            "[store]\npath = \"x\"\npostgres = { url = \"postgres://i@localhost/i\" }\n[[his]]",
            "store.path",
            23,
            "stands beside `store.postgres`",
        ),
    ]);
}

/// What stands in the small configuration, what in its place, and the key, line and text of the one fault of it.
fn assert_each(table: &[(&str, &str, &str, usize, &str)]) {
    for (from, to, key, line, text) in table.iter().copied() {
        let found = faults(&changed(from, to));
        let hit = found.iter().any(|(at, on, says)| at == key && *on == line && says.contains(text));
        assert!(hit, "{key} on line {line}: {text}\n{found:?}");
        // The misspelt key is one fault, the missing one that was meant another.
        let expected =
            if to.starts_with("kee") { 2 } else { 1 } + usize::from(!cfg!(feature = "sandbox") && key != "login.kind");
        assert!(found.len() == expected || key.is_empty(), "{found:?}");
    }
}

#[test]
fn names_that_stand_twice_are_refused_with_the_first_line() {
    let arrays = SMALL.find("[[his]]").unwrap()..SMALL.find("[audit]").unwrap();
    let twice = format!("{SMALL}{}", &SMALL[arrays]);
    let found = faults(&twice);
    let at =
        |key: &str| found.iter().find(|(at, _, _)| at == key).map(|(_, line, text)| (*line, text.clone())).unwrap();
    assert_eq!(at("his[1].id").0, 37);
    assert!(at("his[1].id").1.contains("first on line 23"));
    assert_eq!(at("practices[1].provider").0, 42);
    assert!(at("practices[1].his").1.contains("his-a"), "two practices on one HIS");
    assert!(found.iter().any(|(key, _, _)| key == "his[1].base_url"));
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_file() {
    let text = SMALL
        .replace("environment = \"sandbox\"", "environment = \"production\"\nenvironmint = 1")
        .replace("certificate = \"back.pem\"", "certificate = 7")
        .replace("https://inzage.localhost:8442", "https://inzage.localhost:8441")
        .replace("his = \"his-a\"", "his = \"his-x\"");
    let keys: Vec<(String, usize)> = faults(&text).into_iter().map(|(key, line, _)| (key, line)).collect();
    let expected: Vec<(String, usize)> = [
        ("environmint", 2),
        ("login.kind", 4),
        ("front.origin", 8),
        ("back.origin", 13),
        ("back.certificate", 14),
        ("practices[0].his", 32),
        ("operator.name", 0),
        ("operator.phone", 0),
        ("chain_log.url", 0),
        ("audit.witness", 0),
    ]
    .map(|(key, line)| (key.to_owned(), line))
    .into();
    let built: Vec<_> = keys.iter().filter(|key| cfg!(feature = "sandbox") || key.0 != "login.kind").cloned().collect();
    let expected: Vec<_> =
        expected.into_iter().filter(|key| cfg!(feature = "sandbox") || key.0 != "login.kind").collect();
    assert_eq!(built, expected);
}

#[test]
fn production_refuses_the_simulator_and_ports() {
    let text = changed("environment = \"sandbox\"", "environment = \"production\"");
    let text = text.replace("checkpoint_key", "retention_days = 1826\ncheckpoint_key");
    let text = text.replace("[[his]]", "allow_ports = true\n[[his]]");
    let missing: Vec<_> = faults(&text).into_iter().filter(|(_, line, _)| *line == 0).map(|(key, ..)| key).collect();
    assert_eq!(missing, ["operator.name", "operator.phone", "chain_log.url", "audit.witness"]);
    let all = parse(&text).unwrap_err();
    let has = |problem: &Problem| all.faults().iter().any(|fault| fault.problem() == problem);
    assert!(has(&Problem::SimulatorInProduction));
    assert!(has(&Problem::PortInProduction(8441)));
    assert!(has(&Problem::PortsInProduction));
    assert!(has(&Problem::RetentionInProduction(1_826)));
    assert_eq!(has(&Problem::SimulatorNotBuilt), !cfg!(feature = "sandbox"));
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let key = "bm90IGEgcmVhbCBrZXksIGp1c3QgMzIgYnl0ZXMhISE=";
    for (from, to, part) in [
        (r#"sealing = "keys/s""#, format!("sealing = \"{key}\""), key),
        (r#"key = "front.key""#, "key = '''-----BEGIN PRIVATE KEY-----\nMIGH'''".to_owned(), "MIGH"),
        (
            "[[his]]",
            "[store.postgres]\nurl = \"postgres://inzage:wachtwoord@localhost/inzage\"\n[[his]]".to_owned(),
            "wachtwoord",
        ),
        ("https://his-a.localhost:8460/fhir/", "https://user:wachtwoord@his-a.localhost/fhir".to_owned(), "wachtwoord"),
    ] {
        let all = parse(&changed(from, &to)).unwrap_err();
        assert!(all.faults().iter().any(|fault| matches!(fault.problem(), Problem::InlineSecret { .. })), "{all}");
        assert!(!all.render(false).contains(part) && !all.render(true).contains(part), "{part}");
    }
}

#[test]
fn the_plain_text_has_one_line_a_fault_and_the_fancy_one_shows_the_line() {
    let all = parse(&changed("state = \"open\"", "state = \"opne\"")).unwrap_err();
    let line = "/etc/inzage/inzage.toml:33:9: practices[0].state: found \"opne\", expected \"open\" or \"closed\" (did you \
                mean `open`?)\n";
    assert!(all.render(false).ends_with(line), "{all}");
    assert!(all.render(true).contains("state = \"opne\""), "{}", all.render(true));
}

#[cfg(feature = "sandbox")]
#[test]
fn each_file_that_is_not_there_is_named_with_its_key_and_line() {
    let config = parse(SMALL).unwrap();
    let missing: Vec<(String, usize)> = config
        .check_files()
        .iter()
        .filter(|fault| matches!(fault.problem(), Problem::File { wrong: FileProblem::Unreadable(_), .. }))
        .map(|fault| (fault.key().to_owned(), fault.place().map_or(0, |place| place.line)))
        .collect();
    for (key, line) in [("keys.audit", 4), ("front.key", 9), ("back.client_roots", 15), ("his[0].roots", 26)] {
        assert!(missing.contains(&(key.to_owned(), line)), "{key} {missing:?}");
    }
    let text = config.explain(config.check_files()).render(false);
    assert!(text.contains("inzage.toml:9:7: front.key: /etc/inzage/front.key: cannot be read"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault() {
    let all = Config::load(Path::new("/nonexistent/inzage.toml")).unwrap_err();
    assert_eq!(all.to_string(), "/nonexistent/inzage.toml: cannot be read: there is no such file\n");
}

#[test]
fn a_portal_is_registered_whole_and_for_what_is_served_here() {
    let table = [
        ("huisarts.delinde@medmij", "huisarts.delinda@medmij", "practices", 26, "`huisarts.delinde@medmij`"),
        (r#"services = ["49"]"#, r#"services = ["49", "9999"]"#, "services", 27, "\"9999\""),
        (r#"services = ["49"]"#, "", "services", 22, "is missing"),
        ("rate = 60", "rate = 0", "rate", 29, "1 to 60000"),
        ("https://x.nl/terug", "https://x.nl.evil.nl/terug", "redirect_uris", 30, "on x.nl"),
        ("encrypt = false", "encrypt = true", "encrypt", 24, "`keys.assertions`"),
        (r#"kind = "portal""#, r#"kind = "pgo""#, "name", 25, "not a known key"),
    ];
    for (from, to, key, line, text) in table {
        let found = faults(&changed("[[his]]", &portal(from, to)));
        let key = format!("clients.x.nl.{key}");
        let fits = |(at, on, said): &(String, usize, String)| *at == key && *on == line && said.contains(text);
        assert!(found.iter().any(fits), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn a_witness_is_a_folder_or_a_server() {
    let with = |witness: &str| format!("{SMALL}[[audit.witness]]\n{witness}\n");
    let config = parse(&with("folder = \"elsewhere\"")).unwrap();
    let WitnessKind::Folder(folder) = &config.audit.witnesses[0].kind else { panic!("a folder") };
    assert_eq!((folder.as_path(), config.audit.witnesses[0].every.as_secs()), (Path::new("/etc/inzage/elsewhere"), 60));
    for (witness, key, text) in [
        ("", "folder", "either a folder or the url"),
        ("folder = \"a\"\nurl = \"https://w.example\"", "folder", "either a folder or the url"),
        ("url = \"https://w.example\"\nkey = \"w+00000000+AQ==\"\nroots = \"r\"", "key", "of kind 4"),
        ("url = \"http://w.example\"", "url", "https"),
        ("folder = \"a\"\nevery_seconds = 0", "every_seconds", "1 to 3600"),
    ] {
        let found = faults(&with(witness));
        let key = format!("audit.witness[0].{key}");
        assert!(found.iter().any(|(at, _, said)| *at == key && said.contains(text)), "{witness}: {found:?}");
    }
    let retired = format!("{SMALL}retired_keys = [\"x\"]\n");
    assert!(faults(&retired).iter().any(|(key, _, said)| key == "audit.retired_keys" && said.contains("rotate-key")));
}

#[test]
fn the_example_is_a_whole_configuration() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!((config.his.len(), config.practices.len()), (3, 2));
    let client = |id: &str| &config.clients[&Hostname::parse(id).unwrap()];
    assert!(matches!(client("pgo.example").role, ClientRole::Pgo) && !client("pgo.example").bind_tokens);
    let ClientRole::Portal(portal) = &client("portaal.delinde.example").role else { panic!("a portal") };
    assert_eq!((portal.practices.len(), portal.rate.get()), (1, 600));
    assert_eq!(client("portaal.delinde.example").peers.len(), 1);
    let summary = format!("{:?}", config.redacted_summary());
    assert!(summary.contains("2 of which 1 open") && !summary.contains("api=2"), "{summary}");
    assert_eq!(config.hash().len(), 64);
}

#[test]
fn the_example_shows_defaults_as_they_are() {
    let shown: String = EXAMPLE.lines().map(|line| format!("{}\n", shown_default(line).unwrap_or(line))).collect();
    assert!(shown.len() < EXAMPLE.len(), "there are defaults");
    let (plain, shown) = (parse(EXAMPLE).unwrap(), parse(&shown).unwrap());
    assert_eq!(format!("{:?}", plain.parts), format!("{:?}", shown.parts));
}

#[test]
fn the_example_can_be_used_in_production() {
    let text = EXAMPLE.replace("environment = \"acceptance\"", "environment = \"production\"");
    assert_eq!(faults(&text), []);
    assert_eq!(parse(&text).unwrap().environment, Environment::Production);
}

/// `#key = value`, as opposed to `# prose`.
fn shown_default(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// The example with what it shows as alternatives.
fn with_alternatives() -> String {
    EXAMPLE.lines().map(|line| format!("{}\n", line.strip_prefix("#| ").unwrap_or(line))).collect()
}

#[cfg(feature = "sandbox")]
#[test]
fn the_alternatives_of_the_example_are_a_whole_configuration() {
    let config = parse(&with_alternatives()).unwrap();
    let Store::Postgres(server) = &config.store else { panic!("another store") };
    assert_eq!((server.connections, server.statement_timeout.as_millis()), (16, 2_000));
    assert_eq!(server.password.as_deref(), Some(Path::new("/etc/inzage/keys/store.password")));
    assert!(config.redacted_summary().contains(&("store", "postgres://inzage@db.example/inzage".to_owned())));
}

#[test]
fn every_key_that_is_read_stands_in_the_example_and_the_other_way_round() {
    let source = Source::new(Path::new("x"), with_alternatives());
    let mut log = Log::new(&source);
    let table = DeTable::parse(source.text()).unwrap();
    let _ = Section::root(table.get_ref(), &mut log, |root| Parts::read(root, &source));
    let mut read: BTreeSet<String> = log.asked().clone();
    read.retain(|key| !matches!(key.as_str(), "clients" | "resolve" | "auditors.people" | "admin.operators"));
    assert_eq!(read, keys_in_example());
}

/// Sections and keys of the example, also those that show a default.
fn keys_in_example() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut section = String::new();
    for line in with_alternatives().lines().map(|line| shown_default(line).unwrap_or(line)) {
        if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
            keys.insert(name.to_owned());
            section = format!("{name}[].");
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let own_name = ["clients", "auditors.people", "admin.operators"]
                .into_iter()
                .find(|table| name.starts_with(&format!("{table}.")));
            section = own_name.map_or_else(|| format!("{name}."), |table| format!("{table}.*."));
            keys.extend((own_name.is_none() && name != "resolve").then(|| name.to_owned()));
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains(['#', '"'])) {
            keys.insert(format!("{section}{key}"));
        }
    }
    keys
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}|([a-z_]{1,12}( = |\\.|\\[|\\]|\"|\n|7|\\{|\\}|é){1,3}){0,30}") {
        if let Err(all) = parse(&text) {
            let _ = (all.render(false), all.render(true));
        }
    }

    #[test]
    fn no_damage_to_the_example_panics(
        at in 0..EXAMPLE.len(),
        length in 0_usize..40,
        by in "\\PC{0,8}|\n|\"|\\[|[0-9-]{1,30}",
    ) {
        let end = at.saturating_add(length).min(EXAMPLE.len());
        let (Some(before), Some(after)) = (EXAMPLE.get(..at), EXAMPLE.get(end..)) else { return Ok(()) };
        if let Err(all) = parse(&format!("{before}{by}{after}")) {
            prop_assert!(!all.faults().is_empty());
            prop_assert_eq!(all.render(false).lines().count(), all.faults().len());
            let _ = all.render(true);
        }
    }
}

#[test]
fn deep_nesting_is_a_fault_and_no_overflow() {
    assert_eq!(faults(&format!("a = {}", "[".repeat(200_000))).len(), 1);
    assert!(!faults(&format!("a{} = 1", ".a".repeat(20_000))).is_empty());
}
