//! Where a list is published. It is signed, so most publishers give it over plain http (RFC 5280 section 8).

use reqwest::{Client, StatusCode, Url};

use super::FILE_MAX_BYTES;
use crate::clock::SharedClock;
use crate::outgoing::Outgoing;
use crate::tls::client::{Deadlines, client_config, plain_client, reqwest_client};
use crate::tls::identity::Roots;
use crate::tls::{ALPN_HTTP1, TlsError};

/// An address, and a client that may go there.
#[derive(Debug)]
pub struct Publisher {
    client: Client,
    url: Url,
}

/// Why no list came.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// Not an address of a list.
    #[error("the address is not http or https with a host name, or has a user in it")]
    Address,
    /// It is https, and nobody says whom to trust.
    #[error("the address is https: say by which roots its server is known")]
    NoRoots,
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] TlsError),
    /// No answer, or half of one.
    #[error("the publisher does not answer")]
    Unreachable(#[from] reqwest::Error),
    /// An answer without a list. Redirects are not followed.
    #[error("the publisher answers with status {0}")]
    Status(u16),
    /// More than any list.
    #[error("the answer is larger than any list")]
    TooLarge,
}

impl Publisher {
    /// At an address; `roots` vouch for its server when that is https.
    ///
    /// # Errors
    /// When the address is of another kind.
    pub fn at(
        url: &str,
        roots: Option<&Roots>,
        outgoing: &Outgoing,
        deadlines: Deadlines,
        clock: &SharedClock,
    ) -> Result<Self, PublisherError> {
        let url = Url::parse(url).ok().filter(is_plain).ok_or(PublisherError::Address)?;
        let client = match (url.scheme(), roots) {
            ("http", _) => plain_client(outgoing, deadlines)?,
            ("https", Some(roots)) => {
                reqwest_client(client_config(roots, None, &[ALPN_HTTP1], clock)?, outgoing, deadlines)?
            }
            ("https", None) => return Err(PublisherError::NoRoots),
            _ => return Err(PublisherError::Address),
        };
        Ok(Self { client, url })
    }

    /// What it gives now.
    ///
    /// # Errors
    /// See [`PublisherError`].
    pub async fn read(&self) -> Result<Vec<u8>, PublisherError> {
        let mut answer = self.client.get(self.url.clone()).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(PublisherError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if u64::try_from(body.len()).is_ok_and(|length| length > FILE_MAX_BYTES) {
                return Err(PublisherError::TooLarge);
            }
        }
        Ok(body)
    }
}

/// A name and no number, which no name server would be asked for.
fn is_plain(url: &Url) -> bool {
    url.domain().is_some() && url.username().is_empty() && url.password().is_none()
}
