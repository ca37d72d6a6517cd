//! A person at a browser, played by a program: follows redirects, keeps cookies, presses the buttons of the pages.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode, header};

use super::client::{ClientError, PgoClient, Reply};
use crate::form::encode_pairs;

/// Pages before the walk is given up.
const PAGES_MAX: usize = 12;

/// Which buttons are pressed.
#[derive(Debug, Clone, Copy)]
pub struct Choices<'a> {
    /// The number typed at login.
    pub bsn: &'a str,
    /// `continue` or `cancel`.
    pub landing: &'a str,
    /// `login`, `cancel` or `fail`.
    pub login: &'a str,
    /// `allow` or `refuse`.
    pub consent: &'a str,
    /// Whether the box "for an indefinite period" is ticked.
    pub indefinite: bool,
}

impl<'a> Choices<'a> {
    /// Says yes to everything.
    #[must_use]
    pub const fn willing(bsn: &'a str) -> Self {
        Self { bsn, landing: "continue", login: "login", consent: "allow", indefinite: false }
    }
}

/// Where a walk ended.
#[derive(Debug)]
pub enum End {
    /// Back at the client, with these parameters.
    Client(BTreeMap<String, String>),
    /// On a page without a form.
    Page {
        /// Its status.
        status: StatusCode,
        /// Its HTML.
        html: String,
    },
}

/// A browser.
#[derive(Default)]
pub struct Person {
    cookies: BTreeMap<String, String>,
}

/// A form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it leads.
    pub action: String,
    /// Its hidden fields.
    pub hidden: Vec<(String, String)>,
    /// Names of its other fields and buttons.
    pub names: Vec<String>,
}

impl Person {
    /// Walks from an address to the client or to a page without a form.
    ///
    /// # Errors
    /// When the other side does not answer.
    pub async fn walk(&mut self, through: &PgoClient, url: &str, choices: Choices<'_>) -> Result<End, ClientError> {
        self.walk_over(std::slice::from_ref(through), url, choices).await
    }

    /// The same over several nodes: each step goes to the next one.
    ///
    /// # Errors
    /// When the other side does not answer.
    pub async fn walk_over(
        &mut self,
        nodes: &[PgoClient],
        url: &str,
        choices: Choices<'_>,
    ) -> Result<End, ClientError> {
        let mut steps = nodes.iter().cycle().take(PAGES_MAX.saturating_add(1));
        let Some(first) = steps.next() else {
            return Ok(End::Page { status: StatusCode::NOT_FOUND, html: String::new() });
        };
        let mut reply = self.open(first, url).await?;
        let mut at = url.to_owned();
        for through in steps {
            if let Some(target) = location(&reply) {
                if target.starts_with(&through.redirect_uri) {
                    return Ok(End::Client(answer_of(&target)));
                }
                at = absolute(&at, &target);
                reply = self.open(through, &at).await?;
                continue;
            }
            let html = String::from_utf8_lossy(&reply.body).into_owned();
            let Some(form) = read_form(&html) else { return Ok(End::Page { status: reply.status, html }) };
            at = absolute(&at, &form.action);
            reply = self.submit(through, &at, &fill(form, choices)).await?;
        }
        Ok(End::Page { status: reply.status, html: String::new() })
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When the other side does not answer.
    pub async fn open(&mut self, through: &PgoClient, url: &str) -> Result<Reply, ClientError> {
        self.send(through.http().get(url)).await
    }

    /// Submits a form as the page at the same origin would.
    ///
    /// # Errors
    /// When the other side does not answer.
    pub async fn submit(
        &mut self,
        through: &PgoClient,
        url: &str,
        fields: &[(String, String)],
    ) -> Result<Reply, ClientError> {
        let request =
            through.http().post(url).header(header::ORIGIN, origin(url)).header("sec-fetch-site", "same-origin");
        let form = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(encode_pairs(fields));
        self.send(form).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<Reply, ClientError> {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) };
        let response = request.send().await?;
        self.remember(response.headers());
        Ok(Reply { status: response.status(), headers: response.headers().clone(), body: response.bytes().await? })
    }

    fn remember(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn fill(form: Form, choices: Choices<'_>) -> Vec<(String, String)> {
    let mut fields = form.hidden;
    let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
    if form.names.iter().any(|name| name == "bsn") {
        add("bsn", choices.bsn);
        add("action", choices.login);
    } else if form.names.iter().any(|name| name == "answer") {
        add("answer", choices.consent);
        if choices.indefinite {
            add("indefinite", "yes");
        }
    } else {
        add("action", choices.landing);
    }
    fields
}

/// Reads the only form of a page of ours.
#[must_use]
pub fn read_form(html: &str) -> Option<Form> {
    let (_, form) = html.split_once("<form ")?;
    let (form, _) = form.split_once("</form>")?;
    let (head, body) = form.split_once('>')?;
    let mut read = Form { action: attribute(head, "action")?, hidden: Vec::new(), names: Vec::new() };
    for tag in body.split('<').filter(|tag| tag.starts_with("input ") || tag.starts_with("button ")) {
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.contains("type=\"hidden\"") {
            read.hidden.push((name, attribute(tag, "value").unwrap_or_default()));
        } else {
            read.names.push(name);
        }
    }
    Some(read)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// Where a redirect leads.
#[must_use]
pub fn location(reply: &Reply) -> Option<String> {
    let target = reply.headers.get(header::LOCATION).filter(|_| reply.status.is_redirection())?;
    target.to_str().ok().map(str::to_owned)
}

fn answer_of(target: &str) -> BTreeMap<String, String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    crate::form::decode_pairs(query).unwrap_or_default().into_iter().collect()
}

fn origin(url: &str) -> String {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    url.get(..end).unwrap_or_default().to_owned()
}

fn absolute(base: &str, target: &str) -> String {
    if target.starts_with('/') { format!("{}{target}", origin(base)) } else { target.to_owned() }
}
