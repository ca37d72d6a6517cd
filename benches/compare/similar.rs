//! The peer that does the most similar work: HAProxy that verifies an ES256 token on each request, chooses the practice from a
//! map of all providers, rewrites path and headers, and writes a line. It keeps no verified tokens, shapes nothing, and its line
//! is not durable.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inzage::clock::{Clock as _, SystemClock};
use inzage::sandbox::client::new_id;
use serde_json::json;

use crate::peers::{Place, haproxy_head};

/// Practices behind it; each provider of the map belongs to one.
const BACKENDS: usize = 8;

/// Writes key and map, and the configuration.
pub(crate) fn haproxy(place: &Place<'_>, providers: impl Iterator<Item = String>) -> String {
    let Place { folder, port, his_port, his_host } = place;
    let mut map = String::new();
    for (number, provider) in providers.enumerate() {
        writeln!(map, "{provider} practice{}", number % BACKENDS).unwrap();
    }
    fs::write(folder.join("providers.map"), map).unwrap();
    let head = haproxy_head(folder, *port);
    let folder = folder.display();
    let mut text = format!(
        r"{head}  unique-id-format %{{+X}}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-ID
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str ES256 }}
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless {{ var(txn.iss) -m str https://inzage.localhost }}
  http-request deny deny_status 401 unless {{ var(txn.aud) -m str fhir }}
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify(txn.alg,'{folder}/jwt.pem') -m int 1 }}
  http-request set-var(txn.practice) path,field(3,/),map_str({folder}/providers.map,none)
  http-request deny deny_status 404 if {{ var(txn.practice) -m str none }}
  http-request del-header Authorization
  http-request del-header X-Forwarded-For
  http-request replace-path /fhir/[^/]+/[^/]+/[^/]+/(.*) /fhir/\1
  http-response del-header Server
  http-response set-header Cache-Control no-store
  http-response set-header X-Content-Type-Options nosniff
  http-response set-header Strict-Transport-Security max-age=31536000
  use_backend %[var(txn.practice)]
"
    );
    for number in 0..BACKENDS {
        write!(
            text,
            r"backend practice{number}
  server his 127.0.0.1:{his_port} pool-max-conn 512 ssl verify required ca-file {folder}/ca.pem crt {folder}/node-with-key.pem sni str({his_host}) verifyhost {his_host}
"
        )
        .unwrap();
    }
    text
}

/// Tokens of 11 claims under a new key, whose public half is written for HAProxy.
pub(crate) fn tokens(folder: &Path, count: usize) -> Vec<String> {
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(folder.join("jwt.pem"), key.public_key_pem()).unwrap();
    let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.serialized_der()).unwrap();
    let now = SystemClock.now().as_second();
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = |_| {
        let head = part(json!({"alg": "ES256", "typ": "at+jwt", "kid": "2026-a"}));
        let claims = part(json!({
            "iss": "https://inzage.localhost", "aud": "fhir", "sub": new_id(), "client_id": "pgo.localhost",
            "iat": now, "nbf": now, "exp": now + 7200, "jti": new_id(), "scope": "49 51",
            "provider": "huisarts.delinde", "correlation": new_id(),
        }));
        let text = format!("{head}.{claims}");
        let signature = signer.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    (0..count).map(token).collect()
}
