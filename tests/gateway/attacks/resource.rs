//! Attacks on the resource endpoint with tokens: who holds one, for what it is good, and until when.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt as _;
use inzage::sandbox::client::new_id;
use serde_json::{Value, json};

use crate::harness::{Gateway, ROLE, fault};
use crate::requests::{Bench, OTHER_PROVIDER, Refusal, SERVICE_NOT_GRANTED};
use crate::slow::slow_reader;

const DELINDE: &str = "huisarts.delinde@medmij";
const HAVEN: &str = "huisarts.haven@medmij";

const UNKNOWN_PARAMETER: Refusal = (400, "not-supported", "unknown-parameter");
const NO_TOKEN: Refusal = (401, "login", "no-token");
const MALFORMED_TOKEN: Refusal = (401, "login", "malformed-token");
const UNKNOWN_TOKEN: Refusal = (401, "security", "unknown-token");

#[tokio::test]
async fn case_44_without_exactly_one_bearer_token_nothing_is_told() {
    let bench = Bench::start().await;
    let token = bench.session.token.access_token.clone();
    let challenge = |headers: &HeaderMap| headers[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned();
    let bare = bench.refused(bench.without_token(), NO_TOKEN, "no header").await;
    assert_eq!(challenge(&bare.headers), "Bearer");
    let basic = bench.without_token().basic_auth("pgo", Some(&token));
    let basic = bench.refused(basic, MALFORMED_TOKEN, "Basic").await;
    assert!(challenge(&basic.headers).contains("invalid_request"));
    let doubled = bench.get("Encounter").bearer_auth(&token);
    bench.refused(doubled, MALFORMED_TOKEN, "two headers").await;
    let listed = bench.without_token().header("authorization", format!("Bearer {token}, Bearer {token}"));
    bench.refused(listed, MALFORMED_TOKEN, "two in one header").await;
    for value in ["Bearer", "Bearer ", "Bearer  x", "Token x"] {
        bench.refused(bench.without_token().header("authorization", value), MALFORMED_TOKEN, value).await;
    }
    let url = format!("{}/Encounter?access_token={token}", bench.session.base());
    bench.refused(bench.session.bare(Method::GET, &url), NO_TOKEN, "in the query").await;
    let both = bench.get(&format!("Encounter?access_token={token}"));
    bench.refused(both, UNKNOWN_PARAMETER, "in header and query").await;
    let posted = bench.session.bare(Method::POST, &format!("{}/Encounter/_search", bench.session.base()));
    let posted =
        posted.header("content-type", "application/x-www-form-urlencoded").body(format!("access_token={token}"));
    bench.refused(posted, NO_TOKEN, "in the body").await;
    bench.stop().await;
}

/// A token that somebody made: header and claims of their choice, and a signature or none.
fn made(header: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{signature}",
        part(header),
        part(&json!({"sub": "999911132", "scope": "49", "exp": 4_000_000_000_u64}))
    )
}

#[tokio::test]
async fn case_48_a_token_that_is_not_ours_is_unknown_and_nothing_is_fetched_for_it() {
    let bench = Bench::start().await;
    let token = &bench.session.token.access_token;
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("https://127.0.0.1:{}/keys", elsewhere.local_addr().unwrap().port());
    let public = std::fs::read(bench.gateway.folder().join("back.pem")).unwrap();
    let hmac = hmac_of(&made(&json!({"alg": "HS256"}), ""), &public);
    let swapped: String = token.chars().rev().collect();
    for stranger in [
        "x",
        &swapped,
        &token[..token.len() - 1],
        &format!("{token}A"),
        &token.to_lowercase(),
        &made(&json!({"alg": "none"}), ""),
        &made(&json!({"alg": "HS256"}), &hmac),
        &made(&json!({"alg": "ES256", "kid": "../../etc/passwd"}), "AAAA"),
        &made(&json!({"alg": "ES256", "jku": url}), "AAAA"),
        &made(&json!({"alg": "RS256", "x5u": url}), "AAAA"),
    ] {
        let reply = bench.refused(bench.without_token().bearer_auth(stranger), UNKNOWN_TOKEN, stranger).await;
        let challenge = reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
    bench.stop().await;
}

fn hmac_of(signed: &str, key: &[u8]) -> String {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    URL_SAFE_NO_PAD.encode(sign(&Key::new(HMAC_SHA256, key), signed.trim_end_matches('.').as_bytes()))
}

#[tokio::test]
async fn case_46_and_47_a_token_serves_one_client_one_practice_and_one_service() {
    let bench = Bench::start().await;
    let base = bench.session.base();
    let bsn = bench.gateway.world.practices[1].patients[0].bsn.reveal().to_owned();
    let haven = bench.gateway.session(HAVEN, &bsn).await;
    let token = &bench.session.token.access_token;
    let crossed = haven.bare(Method::GET, &format!("{base}/Encounter")).bearer_auth(&haven.token.access_token);
    bench.refused(crossed, OTHER_PROVIDER, "token of another provider").await;
    let crossed = bench.session.bare(Method::GET, &format!("{}/Encounter", haven.base())).bearer_auth(token);
    bench.refused(crossed, OTHER_PROVIDER, "endpoint of another provider").await;
    for (from, to, expected) in [
        ("/49/stu3", "/53/stu3", SERVICE_NOT_GRANTED),
        ("/49/stu3", "/50/stu3", SERVICE_NOT_GRANTED),
        ("/49/stu3", "/049/stu3", SERVICE_NOT_GRANTED),
        ("/49/stu3", "/49/r4", (404, "not-found", "unknown-service")),
        ("huisarts.delinde", "huisarts.nergens", OTHER_PROVIDER),
        ("huisarts.delinde", "huisarts.delinde@medmij", OTHER_PROVIDER),
        ("huisarts.delinde", "Huisarts.DeLinde", OTHER_PROVIDER),
    ] {
        let url = format!("{}/Encounter", base.replace(from, to));
        bench.refused(bench.session.bare(Method::GET, &url).bearer_auth(token), expected, to).await;
    }
    for (name, code) in [("pgo2", "peer-not-of-client"), ("not_listed", "peer-not-listed")] {
        let stolen = bench.gateway.client(name);
        let stolen = stolen.http().get(format!("{base}/Encounter")).header("MedMij-Request-ID", new_id());
        bench.refused(stolen.bearer_auth(token), (403, "forbidden", code), name).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn case_45_a_token_serves_fifteen_minutes() {
    let bench = Bench::start().await;
    bench.gateway.clock.advance(std::time::Duration::from_secs(899));
    assert_eq!(bench.session.get("Encounter").await.status, 200);
    bench.gateway.clock.advance(std::time::Duration::from_secs(2));
    let late = bench.refused(bench.get("Encounter"), (401, "expired", "token-expired"), "901 s").await;
    let challenge = late.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    bench.gateway.stop().await;
}

/// The same client may act through two nodes; a token of its is for the one that got it.
#[tokio::test]
async fn case_49_a_bound_token_is_refused_with_another_certificate() {
    for (bind, expected) in [(true, 401), (false, 200)] {
        let settings = format!(
            "[clients.\"pgo.localhost\"]\npeers = [\"pgo.localhost\", \"pgo2.localhost\"]\nbind_tokens = {bind}\n"
        );
        let gateway = Gateway::start_with(&settings).await;
        let session = gateway.session(DELINDE, &gateway.patient()).await;
        assert_eq!(session.get("EpisodeOfCare").await.status, 200);
        let url = format!("{}/EpisodeOfCare", session.endpoints.resources[ROLE]);
        let other = gateway.client("pgo2").get(&url, &session.token.access_token, &new_id()).await.unwrap();
        assert_eq!(other.status.as_u16(), expected);
        if bind {
            assert_eq!(fault(&other), ("other-certificate".to_owned(), "pgo".to_owned()));
            let challenge = other.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
            assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
            assert_eq!(gateway.last_audit("resource_refused")["reason"], "other-certificate");
        }
        gateway.stop().await;
    }
}

/// A record of one contact whose reason is a long story.
fn long_record(folder: &std::path::Path, bsn: &str) {
    let patient = json!({
        "resourceType": "Patient", "id": "lang-patient", "birthDate": "1970-01-01", "active": true,
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": bsn}],
        "name": [{"family": "Langendijk"}],
    });
    let contact = json!({
        "resourceType": "Encounter", "id": "lang-contact", "status": "finished",
        "subject": {"reference": "Patient/lang-patient"},
        "period": {"start": "2026-03-02T09:00:00+01:00"},
        "reason": [{"text": "x".repeat(1_000_000)}],
    });
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("patient.json"), patient.to_string()).unwrap();
    std::fs::write(folder.join("contact.json"), contact.to_string()).unwrap();
}

#[tokio::test]
async fn case_50_a_consent_that_ends_breaks_off_what_is_on_its_way() {
    const BSN: &str = "999910796";
    let records = std::env::temp_dir().join(format!("inzage-long-{}", new_id()));
    long_record(&records, BSN);
    let gateway = Gateway::start_among("", Some(records.clone())).await;
    let session = gateway.session(DELINDE, BSN).await;
    assert!(session.get("Encounter").await.body.len() > 1_000_000);
    let mut answer = slow_reader(&gateway, &session, "Encounter").await;
    assert_eq!(answer.status(), 200);
    let first = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [pair("token", &session.token.access_token), pair("client_id", &session.client.client_id)];
    let revoke = session.endpoints.token.replace("/oauth/token", "/oauth/revoke");
    assert_eq!(session.client.token_request(&revoke, &form, &new_id()).await.unwrap().status, 200);
    let mut taken = first.len();
    let broken = loop {
        match answer.body_mut().frame().await {
            Some(Ok(frame)) => taken += frame.into_data().map_or(0, |data| data.len()),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    // What was in the buffers of the connection had left already.
    assert!(broken && taken < 500_000, "broken {broken} after {taken} bytes");
    assert_eq!(session.get("Encounter").await.status, 401);
    let outcomes = gateway.audit_of("disclosure_outcome");
    let outcome = outcomes.iter().find(|record| record["outcome"] == "refused").unwrap();
    assert_eq!(outcome["reason"], "consent-ended");
    assert!(outcome["counts"]["bytes"].as_u64().unwrap() < 500_000, "{outcome}");
    std::fs::remove_dir_all(&records).unwrap();
    gateway.stop().await;
}
