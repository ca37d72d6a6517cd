//! Authorization requests to change one thing of, and what comes back.

use inzage::form::encode_pairs;
use inzage::sandbox::client::{PgoClient, Reply};
use inzage::sandbox::person::{Person, location, read_form};

use crate::harness::{Gateway, text};

/// A correct request, to change one thing of.
pub(crate) fn request(client: &PgoClient) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("response_type", "code"),
        pair("client_id", &client.client_id),
        pair("redirect_uri", &client.redirect_uri),
        pair("scope", "huisarts.delinde"),
        pair("state", "abc"),
        pair("MedMij-Request-ID", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f11"),
        pair("X-Correlation-ID", "0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10"),
    ]
}

/// The query of a request with one parameter changed, or left out.
pub(crate) fn with(client: &PgoClient, name: &str, value: Option<&str>) -> String {
    let mut pairs = request(client);
    pairs.retain(|(key, _)| key != name);
    pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    encode_pairs(&pairs)
}

/// Sends a person here with this query.
pub(crate) async fn arrive(gateway: &Gateway, client: &PgoClient, query: &str) -> Reply {
    let url = format!("{}/oauth/authorize?{query}", gateway.world.layout.front_origin());
    Person::default().open(client, &url).await.unwrap()
}

/// A page of ours, no redirect, and the record of the refusal.
pub(crate) fn turned_away(gateway: &Gateway, reply: &Reply, reason: &str) {
    assert_eq!(reply.status, 400, "{}", text(reply));
    assert!(!reply.headers.contains_key("location") && !reply.headers.contains_key("refresh"));
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(read_form(&text(reply)).is_none());
    let record = gateway.audit().pop().unwrap();
    let fields = (&record["kind"], &record["outcome"], &record["reason"]);
    assert_eq!(fields, (&"authorization_refused".into(), &"refused".into(), &reason.into()), "{record}");
    assert!(text(reply).contains(record["local_id"].as_str().unwrap()), "the page names the number in the log");
}

/// A redirect to the client with exactly this answer, and the record of the refusal.
pub(crate) fn sent_back(gateway: &Gateway, client: &PgoClient, reply: &Reply, error: &str, state: Option<&str>) {
    let state = state.map(|state| format!("&state={state}")).unwrap_or_default();
    let description = "the%20request%20cannot%20be%20served";
    let expected = format!("{}?error={error}&error_description={description}{state}", client.redirect_uri);
    assert_eq!((reply.status.as_u16(), location(reply)), (303, Some(expected)));
    let record = gateway.audit().pop().unwrap();
    let fields = (&record["kind"], &record["reason"], &record["client_id"]);
    assert_eq!(fields, (&"authorization_refused".into(), &error.into(), &client.client_id.as_str().into()));
}
