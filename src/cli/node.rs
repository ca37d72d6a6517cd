//! A node that is asked through its operations face, over mutual TLS, so that rules, roles and the audit are those of everybody.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::run::{EX_CONFIG, EX_UNAVAILABLE, give_up, runtime};
use crate::clock::{SharedClock, SystemClock};
use crate::tls::TlsError;
use crate::tls::client::client_config;
use crate::tls::identity::{Identity, Roots};

/// How long the node may take: a file of the whole country is read, judged and kept.
const DEADLINE: Duration = Duration::from_secs(60);
/// More than any answer of a node.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Which node, and who we are there.
#[derive(Debug, Args)]
pub(super) struct NodeArguments {
    /// The operations face, as https://beheer.inzage.example
    #[arg(long, value_name = "URL")]
    url: reqwest::Url,
    /// Certificate of an operator, with its chain (PEM)
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The roots that the certificate of the node leads to (PEM)
    #[arg(long, value_name = "FILE")]
    roots: PathBuf,
    /// Where the node is, in place of what DNS says
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
}

/// The same where there may be none.
#[derive(Debug, Clone, Args)]
pub(super) struct PerhapsNode {
    /// The operations face of a node, as https://beheer.inzage.example
    #[arg(long, value_name = "URL", requires_all = ["cert", "key", "roots"])]
    url: Option<reqwest::Url>,
    /// Certificate of an operator, with its chain (PEM)
    #[arg(long, value_name = "FILE", requires = "url")]
    cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "url")]
    key: Option<PathBuf>,
    /// The roots that the certificate of the node leads to (PEM)
    #[arg(long, value_name = "FILE", requires = "url")]
    roots: Option<PathBuf>,
    /// Where the node is, in place of what DNS says
    #[arg(long, value_name = "ADDRESS", requires = "url")]
    address: Option<IpAddr>,
}

impl PerhapsNode {
    /// The node, when one was said.
    pub(super) fn said(&self) -> Option<NodeArguments> {
        let Self { url, cert, key, roots, address } = self.clone();
        Some(NodeArguments { url: url?, cert: cert?, key: key?, roots: roots?, address })
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the node does not answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("it answers with something else than a node of this program")]
    Strange,
}

/// Says that there is none.
pub(super) fn no_answer(error: &NoAnswer) -> ExitCode {
    give_up(error, if matches!(error, NoAnswer::Tls(_)) { EX_CONFIG } else { EX_UNAVAILABLE })
}

/// Asks a node for a path of its operations face, or sends something there: JSON, or a file of the register.
pub(super) fn ask(node: &NodeArguments, path: &str, body: Option<Vec<u8>>) -> Result<(u16, String), NoAnswer> {
    let http = client(node)?;
    let url = format!("{}{path}", node.url.as_str().trim_end_matches('/'));
    let runtime = runtime().map_err(|_| NoAnswer::Strange)?;
    runtime.block_on(async {
        let request = match body {
            Some(body) => http.post(url).body(body),
            None => http.get(url),
        };
        let mut answer = request.send().await?;
        let (status, mut bytes) = (answer.status().as_u16(), Vec::new());
        while let Some(chunk) = answer.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_MAX_BYTES {
                return Err(NoAnswer::Strange);
            }
        }
        Ok((status, String::from_utf8(bytes).map_err(|_| NoAnswer::Strange)?))
    })
}

fn client(node: &NodeArguments) -> Result<reqwest::Client, NoAnswer> {
    let clock: SharedClock = Arc::new(SystemClock);
    let identity = Identity::load(&node.cert, &node.key, clock.now())?;
    let tls = client_config(&Roots::load(&node.roots)?, Some(&identity), &[b"h2", b"http/1.1"], &clock)?;
    let mut http = reqwest::Client::builder().tls_backend_preconfigured(tls).https_only(true).no_proxy();
    http = http.timeout(DEADLINE).redirect(reqwest::redirect::Policy::none());
    if let (Some(address), Some(host)) = (node.address, node.url.host_str()) {
        http = http.resolve(host, SocketAddr::new(address, 0));
    }
    Ok(http.build()?)
}
