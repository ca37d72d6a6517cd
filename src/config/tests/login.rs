//! Tests of `[login]`: each fault of an OpenID provider at its key, and what is meant by the keys that are left out.

use super::{Config, EXAMPLE, Login, Oidc, Problem, SMALL, faults, parse};
use crate::session::login::AssuranceLevel;
use crate::session::oidc::{AssertionAudience, Userinfo};

const LOGIN: &str = r#"kind = "oidc", issuer = "https://login.example:8443/r/", client_id = "a b", roots = "ca.pem", signing_key = "keys/l", userinfo = "plain", bsn_claim = "bsn""#;

/// The small configuration with this login.
fn with(login: &str) -> String {
    let simulator = r#"kind = "simulator""#;
    assert_eq!(SMALL.matches(simulator).count(), 1);
    SMALL.replace(simulator, login)
}

fn oidc(config: &Config) -> &Oidc {
    let Login::Oidc(oidc) = &config.login else { panic!("{:?}", config.login) };
    oidc
}

#[test]
fn the_smallest_login_has_the_defaults_of_the_documentation() {
    let config = parse(&with(LOGIN)).unwrap();
    let oidc = oidc(&config);
    assert_eq!(oidc.provider.issuer.as_str(), "https://login.example:8443/r/", "every character of an issuer counts");
    assert_eq!(
        oidc.provider.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["https://login.example:8443"]
    );
    assert_eq!((oidc.userinfo, &oidc.decryption_key), (Userinfo::Plain, &None));
    assert_eq!((oidc.level_claim.as_str(), oidc.minimum_level), ("acr", AssuranceLevel::Substantieel));
    assert_eq!((oidc.provider.assertion_audience, oidc.provider.fresh_login), (AssertionAudience::Issuer, true));
    assert!(oidc.provider.scopes.is_empty() && oidc.provider.acr_values.is_empty());
    assert_eq!(oidc.levels["http://eidas.europa.eu/LoA/high"], AssuranceLevel::Hoog);
    assert!(config.redacted_summary().contains(&("login", "oidc https://login.example:8443/r/".to_owned())));
}

#[test]
fn the_example_adds_origins_and_levels_to_those_that_are_known() {
    let config = parse(EXAMPLE).unwrap();
    let oidc = oidc(&config);
    assert_eq!(oidc.provider.origins.len(), 3);
    assert_eq!(oidc.provider.origins[0].as_str(), "https://inlogdienst.example");
    assert_eq!(oidc.levels["digid_30"], AssuranceLevel::Hoog);
    assert!(oidc.levels.len() > 2);
}

#[test]
fn each_fault_of_a_login_stands_at_its_key() {
    for (from, to, key, text) in [
        ("https://login.example:8443/r/", "http://login.example/", "issuer", "an https URL"),
        ("https://login.example:8443/r/", "https://login.example/?x=1", "issuer", "an https URL"),
        ("https://login.example:8443/r/", "https://10.0.0.1/", "issuer", "an https URL"),
        (r#", bsn_claim = "bsn""#, "", "bsn_claim", "is missing"),
        (r#"bsn_claim = "bsn""#, r#"bsn_claim = "b s n""#, "bsn_claim", "visible ASCII"),
        (r#"client_id = "a b""#, r#"client_id = """#, "client_id", "1 to 255"),
        (r#"userinfo = "plain""#, r#"userinfo = "plane""#, "userinfo", "`plain`"),
        (r#"userinfo = "plain""#, r#"userinfo = "signed+encrypted""#, "userinfo", "`decryption_key` beside it"),
        (r#"userinfo = "plain""#, r#"userinfo = "plain", minimum_level = "laag""#, "minimum_level", "\"basis\" or"),
        (r#"userinfo = "plain""#, r#"userinfo = "plain", origins = ["https://x.nl/y"]"#, "origins", "without path"),
        (r#"userinfo = "plain""#, r#"userinfo = "plain", acr_values = []"#, "acr_values", "at least one"),
        (r#"userinfo = "plain""#, r#"userinfo = "plain", levels = { x = "y" }"#, "levels.x", "\"hoog\""),
        (r#"userinfo = "plain""#, r#"userinfo = "plain", client_secret = "x""#, "client_secret", "not a known key"),
    ] {
        assert_eq!(LOGIN.matches(from).count(), 1, "{from}");
        let found = faults(&with(&LOGIN.replace(from, to)));
        let key = format!("login.{key}");
        assert!(matches!(&found[..], [(at, 3, said)] if *at == key && said.contains(text)), "{key}: {found:?}");
    }
    let found = faults(&with(r#"kind = "simulator", issuer = "https://login.example""#));
    assert!(found.iter().any(|(key, _, said)| key == "login.issuer" && said.contains("not a known key")), "{found:?}");
}

#[test]
fn a_signing_key_in_the_file_is_refused_and_not_repeated() {
    let key = "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMG";
    let all = parse(&with(&LOGIN.replace("keys/l", key))).unwrap_err();
    assert!(all.faults().iter().any(|fault| matches!(fault.problem(), Problem::InlineSecret { .. })), "{all}");
    assert!(!all.render(false).contains("MIGH") && !all.render(true).contains("MIGH"));
}

#[test]
fn production_takes_a_login_service_and_no_simulator() {
    let production = |text: &str| {
        text.replace("environment = \"sandbox\"", "environment = \"production\"").replace("localhost:8441", "localhost")
            + "[operator]\nname = \"Inzage\"\nphone = \"088 123 45 67\"\n"
            + "[chain_log]\nurl = \"https://keten.example/logs\"\nroots = \"roots.pem\"\n"
            + "[[audit.witness]]\nfolder = \"/mnt/witness\"\n"
    };
    assert_eq!(faults(&production(&with(LOGIN))), []);
    let refused = faults(&production(SMALL));
    assert!(refused.iter().any(|(key, _, said)| key == "login.kind" && said.contains("in production")), "{refused:?}");
}
