//! The complete configuration of a sandbox's gateway, as a person would write it; paths are relative to it.

use std::fmt::Write as _;

use super::layout::{
    BACKEND_CLIENT, CHAIN_LOG_HOST, DIALECTS, LISTS_HOST, LOGIN_HOST, Layout, NODE_FILE, OPERATORS, ORGANISATION_HOST,
    READERS, WITNESS_FOLDER, WITNESS_HOST, his_host, his_id,
};
use crate::lists::ListKind;
use crate::sandbox::organisation::{CLIENT, OPEN_CLIENT};
use crate::sandbox::portal::keys::{ASSERTIONS, BACKEND_PRIVATE, OPEN_PRIVATE, OPERATORS_PRIVATE, PUBLIC};
use crate::sandbox::ports::HIS_COUNT;
use crate::sandbox::records::Practice;
use crate::sandbox::syslog::HOST as ARCHIVE_HOST;
use crate::services::Catalogue;

/// Writes it.
pub(super) fn configuration(layout: &Layout, practices: &[Practice], witness_key: &str) -> String {
    let mut text = of_node(layout);
    // Writing into a string does not fail.
    for number in 0..HIS_COUNT {
        let _ = writeln!(text, "\"{}\" = \"127.0.0.1\"", his_host(number));
    }
    text.push_str(&of_audit(layout, witness_key));
    text.push_str(&of_readers(layout, practices));
    text.push_str(&of_open(layout));
    text.push_str(&of_operators(layout));
    text.push_str(&of_portal(layout, practices));
    for number in 0..HIS_COUNT {
        text.push_str(&of_his(layout, number));
    }
    for (number, practice) in practices.iter().enumerate() {
        text.push_str(&of_practice(practice, number));
    }
    text
}

fn of_node(layout: &Layout) -> String {
    let [front, back, ops, ..] = layout.gateway_ports();
    let (front_origin, back_origin) = (layout.front_origin(), layout.back_origin());
    let chain_log = layout.chain_log_url();
    let [zal, ocl, whl, gnl] =
        [ListKind::Zal, ListKind::Ocl, ListKind::Whl, ListKind::Gnl].map(|list| layout.list_url(list));
    format!(
        r#"# Made by the sandbox at its start; every key is explained in deploy/inzage.example.toml.
environment = "sandbox"

[node]
name = "a"
data = "gateway"

[operator]
name = "Inzage (zandbak)"
phone = "088 000 00 00"

[front]
listen = "127.0.0.1:{front}"
origin = "{front_origin}"
certificate = "front.pem"
key = "front.key"

[back]
listen = "127.0.0.1:{back}"
origin = "{back_origin}"
certificate = "back.pem"
key = "back.key"
client_roots = "ca.pem"

[ops]
listen = "127.0.0.1:{ops}"

[lists]
zal = "{zal}"
ocl = "{ocl}"
whl = "{whl}"
gnl = "{gnl}"
roots = "ca.pem"
certificate = "{NODE_FILE}.pem"
key = "{NODE_FILE}.key"
allow_ports = true

[login]
kind = "simulator"

[chain_log]
url = "{chain_log}"
roots = "ca.pem"
certificate = "{NODE_FILE}.pem"
key = "{NODE_FILE}.key"
every_ms = 100

[keys]
sealing = "sealing.key"
audit = "audit-keys"
assertions = "{ASSERTIONS}"

[resolve]
"{LISTS_HOST}" = "127.0.0.1"
"{CHAIN_LOG_HOST}" = "127.0.0.1"
"{WITNESS_HOST}" = "127.0.0.1"
"{ARCHIVE_HOST}" = "127.0.0.1"
"{LOGIN_HOST}" = "127.0.0.1"
"{ORGANISATION_HOST}" = "127.0.0.1"
"#
    )
}

fn of_audit(layout: &Layout, witness_key: &str) -> String {
    let witness = layout.witness_url();
    format!(
        r#"
[audit]
dir = "gateway/audit"
checkpoint_key = "checkpoint.key"

[[audit.witness]]
folder = "{WITNESS_FOLDER}"
every_seconds = 1

[[audit.witness]]
url = "{witness}"
key = "{witness_key}"
roots = "ca.pem"
every_seconds = 1
"#
    )
}

/// Two auditors, so that one can agree with the other, and somebody of the first practice.
fn of_readers(layout: &Layout, practices: &[Practice]) -> String {
    let [.., desk, _] = layout.gateway_ports();
    let desk_origin = layout.desk_origin();
    let [(_, one), (_, other), (_, practice)] = READERS;
    let own = practices.first().map(|practice| practice.provider.to_string()).unwrap_or_default();
    format!(
        r#"
[auditors]
listen = "127.0.0.1:{desk}"
origin = "{desk_origin}"
certificate = "logboek.pem"
key = "logboek.key"
client_roots = "ca.pem"
four_eyes = true

[auditors.people]
"{one}" = {{ role = "auditor" }}
"{other}" = {{ role = "auditor" }}
"{practice}" = {{ role = "practice", practices = ["{own}"] }}
"#
    )
}

/// One of each role by certificate, and whoever logs in and is one of them.
fn of_operators(layout: &Layout) -> String {
    let [.., admin] = layout.gateway_ports();
    let (origin, issuer) = (layout.admin_origin(), layout.organisation_origin());
    let [(_, reader), (_, operator), (_, auditor)] = OPERATORS;
    format!(
        r#"
[admin]
listen = "127.0.0.1:{admin}"
origin = "{origin}"
certificate = "beheer.pem"
key = "beheer.key"
client_roots = "ca.pem"

[admin.operators]
"{reader}" = {{ role = "reader" }}
"{operator}" = {{ role = "operator" }}
"{auditor}" = {{ role = "auditor" }}

[admin.login]
issuer = "{issuer}"
roots = "ca.pem"
client_id = "{CLIENT}"
signing_key = "{OPERATORS_PRIVATE}"

[admin.login.roles]
"inzage-kijken" = "reader"
"inzage-beheer" = "operator"
"inzage-toezicht" = "auditor"
"#
    )
}

/// People of practices, a coalition, the programme and an insurer, who log in at the same provider.
fn of_open(layout: &Layout) -> String {
    let issuer = layout.organisation_origin();
    format!(
        r#"
[open.login]
issuer = "{issuer}"
roots = "ca.pem"
client_id = "{OPEN_CLIENT}"
signing_key = "{OPEN_PRIVATE}"
"#
    )
}

fn of_portal(layout: &Layout, practices: &[Practice]) -> String {
    let portal = layout.client("portal");
    let quoted = |text: &str| format!("\"{text}\"");
    let practices: Vec<_> = practices.iter().map(|practice| quoted(practice.provider.as_str())).collect();
    let catalogue = Catalogue::shipped();
    let services: Vec<_> = catalogue.iter().map(|service| quoted(service.id.as_str())).collect();
    format!(
        r#"
[clients."{client_id}"]
kind = "portal"
name = "Mijn Praktijk"
practices = [{practices}]
services = [{services}]
jwks = "{PUBLIC}"
redirect_uris = ["{redirect_uri}"]
"#,
        client_id = portal.client_id,
        practices = practices.join(", "),
        services = services.join(", "),
        redirect_uri = portal.redirect_uri,
    )
}

fn of_his(layout: &Layout, number: usize) -> String {
    let (id, base) = (his_id(number), layout.his_base(number));
    let dialect = DIALECTS.get(number).copied().unwrap_or_default();
    let r4 = if dialect == "his-rest" { String::new() } else { format!("r4_base_url = \"{base}/r4\"\n") };
    let tokens = layout.token_url(number).map(|url| {
        format!(
            "token_url = \"{url}\"\nclient_id = \"{BACKEND_CLIENT}\"\nclient_key = \"{BACKEND_PRIVATE}\"\nscope = \"system/*.cruds\"\n"
        )
    });
    let tokens = tokens.unwrap_or_default();
    format!(
        r#"
[[his]]
id = "{id}"
dialect = "{dialect}"
base_url = "{base}"
roots = "ca.pem"
certificate = "{NODE_FILE}.pem"
key = "{NODE_FILE}.key"
{r4}{tokens}"#
    )
}

fn of_practice(practice: &Practice, number: usize) -> String {
    let Practice { provider, name, place, access_start, .. } = practice;
    let his = his_id(number);
    format!(
        r#"
[[practices]]
provider = "{provider}"
name = "{name}"
place = "{place}"
his = "{his}"
access_start_date = "{access_start}"
state = "open"
"#
    )
}
