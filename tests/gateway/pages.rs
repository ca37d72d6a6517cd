//! The pages of a visit as a browser holds them: forms to send, cookies to keep, answers to read.

use inzage::form::{decode_pairs, encode_pairs};
use inzage::sandbox::client::{PgoClient, Reply, new_id};
use inzage::sandbox::person::{Form, location, read_form};
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap};

use crate::harness::{self, Gateway, text};

/// The practice of all these.
pub(crate) const DELINDE: &str = "huisarts.delinde@medmij";

/// A page that stands in a browser: its form, and the cookie that came with it.
#[derive(Clone)]
pub(crate) struct Page {
    /// Where its form leads.
    pub(crate) address: String,
    /// Its form.
    pub(crate) form: Form,
    /// Name and value of the cookie that goes with it.
    pub(crate) cookie: String,
    /// The headers of the answer.
    pub(crate) headers: HeaderMap,
}

/// Name and value of the cookie that an answer sets.
pub(crate) fn cookie(reply: &Reply) -> String {
    reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

impl Page {
    /// From an answer that is a page.
    pub(crate) fn of(gateway: &Gateway, reply: &Reply, cookie: String) -> Self {
        assert_eq!(reply.status, 200, "{}", text(reply));
        let form = read_form(&text(reply)).unwrap();
        let address = format!("{}{}", gateway.world.layout.front_origin(), form.action);
        Self { address, form, cookie, headers: reply.headers.clone() }
    }

    /// The fields that a button sends.
    pub(crate) fn pressed(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let mut fields = self.form.hidden.clone();
        fields.push((name.to_owned(), value.to_owned()));
        fields
    }

    /// Presses a button.
    pub(crate) async fn press(&self, client: &PgoClient, name: &str, value: &str) -> Reply {
        post(client, &self.address, Some(&self.cookie), &self.pressed(name, value), &[]).await
    }
}

/// Sends a form.
pub(crate) async fn post(
    client: &PgoClient,
    url: &str,
    cookie: Option<&str>,
    fields: &[(String, String)],
    headers: &[(&str, &str)],
) -> Reply {
    let mut request = client.http().post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(encode_pairs(fields)).send().await.unwrap();
    Reply { status: response.status(), headers: response.headers().clone(), body: response.bytes().await.unwrap() }
}

/// Opens an address.
pub(crate) async fn open(client: &PgoClient, url: &str) -> Reply {
    let response = client.http().get(url).send().await.unwrap();
    Reply { status: response.status(), headers: response.headers().clone(), body: response.bytes().await.unwrap() }
}

/// A person who was sent here.
pub(crate) async fn landing(gateway: &Gateway, client: &PgoClient, state: &str) -> Page {
    let endpoints = client.endpoints(DELINDE, "49").await.unwrap();
    let reply = open(client, &client.authorization_url(&endpoints, "huisarts.delinde", state, &new_id())).await;
    Page::of(gateway, &reply, cookie(&reply))
}

/// A person at the login page.
pub(crate) async fn login(gateway: &Gateway, client: &PgoClient, landing: &Page) -> Page {
    let sent = landing.press(client, "action", "continue").await;
    let target = location(&sent).unwrap();
    let reply = open(client, &format!("{}{target}", gateway.world.layout.front_origin())).await;
    Page::of(gateway, &reply, cookie(&sent))
}

/// Logs in a patient of the practice.
pub(crate) async fn log_in(gateway: &Gateway, client: &PgoClient, login: &Page) -> Page {
    let mut fields = login.pressed("action", "login");
    fields.push(("bsn".to_owned(), gateway.patient()));
    let sent = post(client, &login.address, Some(&login.cookie), &fields, &[]).await;
    let address = format!("{}{}", gateway.world.layout.front_origin(), location(&sent).unwrap());
    let reply = see(client, &address, &cookie(&sent)).await;
    assert_eq!(cookie(&reply), cookie(&sent), "looking changes nothing");
    Page::of(gateway, &reply, cookie(&sent))
}

/// Fetches a page of a visit.
pub(crate) async fn see(client: &PgoClient, url: &str, cookie: &str) -> Reply {
    harness::send(client.http().get(url).header(COOKIE, cookie)).await
}

/// A person who is asked.
pub(crate) async fn consent(gateway: &Gateway, client: &PgoClient, state: &str) -> Page {
    let landing = landing(gateway, client, state).await;
    let login = login(gateway, client, &landing).await;
    log_in(gateway, client, &login).await
}

/// What the client is sent.
pub(crate) fn answer(reply: &Reply) -> Vec<(String, String)> {
    let target = location(reply).unwrap_or_else(|| panic!("{}: {}", reply.status, text(reply)));
    decode_pairs(target.split_once('?').unwrap().1).unwrap()
}

/// A page that says that the form is of no use, and the record of it.
pub(crate) fn stale(gateway: &Gateway, reply: &Reply) {
    assert_eq!(reply.status, 403, "{}", text(reply));
    assert!(location(reply).is_none());
    // The same page may have been answered before with a yes.
    assert!(text(reply).contains("telt niet") && !text(reply).contains("niets gedeeld"), "{}", text(reply));
    let record = gateway.audit().pop().unwrap();
    assert_eq!((&record["kind"], &record["reason"]), (&"authorization_refused".into(), &"stale-page".into()));
}
