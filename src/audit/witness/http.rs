//! A witness that cosigns over HTTP (C2SP tlog-witness, `add-checkpoint`): it checks that a checkpoint continues the one it saw
//! before, and signs that it saw it. No redirect is followed, and nothing that it says is believed without its signature,
//! but that it saw more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, StatusCode, Url};

use super::WitnessError;
use crate::audit::note::{CosignerKey, Signature};
use crate::audit::signer::SignedCheckpoint;
use crate::audit::tree::TreeHash;

/// No answer is longer: room for many signatures.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// Questions for one checkpoint: the first may be about a size that the witness is not at.
const ATTEMPTS: usize = 3;

/// The URL cannot be posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL of a witness is not an https URL with a host")]
pub struct WitnessUrlError;

/// A witness.
#[derive(Debug)]
pub struct HttpWitness {
    client: Client,
    url: Url,
    key: CosignerKey,
    /// The size that it is at, as far as is known.
    at: AtomicU64,
}

enum Answer {
    Cosigned(String),
    /// It is at another size.
    At(u64),
    /// The proof does not fit what it saw.
    Inconsistent,
}

impl HttpWitness {
    /// A witness whose *submission prefix* is `prefix`.
    ///
    /// # Errors
    /// When that is no https URL.
    pub fn new(client: Client, prefix: &str, key: CosignerKey) -> Result<Self, WitnessUrlError> {
        let url = Url::parse(&format!("{}/add-checkpoint", prefix.trim_end_matches('/'))).ok();
        let url = url.filter(|url| url.scheme() == "https" && url.has_host()).ok_or(WitnessUrlError)?;
        Ok(Self { client, url, key, at: AtomicU64::new(0) })
    }

    /// Asks it to cosign.
    pub(super) async fn submit(&self, signed: &Arc<SignedCheckpoint>) -> Result<Signature, WitnessError> {
        let size = signed.checkpoint().size;
        for _ in 0..ATTEMPTS {
            let at = self.at.load(Ordering::Relaxed);
            if at > size {
                return Err(WitnessError::Ahead { seen: at, size });
            }
            match self.ask(at, signed).await? {
                Answer::Cosigned(lines) => {
                    let (signature, _) = self.key.find(signed.note(), &lines).map_err(WitnessError::Signature)?;
                    self.at.store(size, Ordering::Relaxed);
                    return Ok(signature);
                }
                // "If the old size matches the checkpoint size, the witness MUST check that the root hashes are also
                // identical. If they don't match, the witness MUST respond with a 409."
                Answer::At(told) if told == at && at == size => return Err(WitnessError::Fork { seen: at }),
                Answer::At(told) => self.at.store(told, Ordering::Relaxed),
                Answer::Inconsistent => return Err(WitnessError::Fork { seen: at }),
            }
        }
        Err(WitnessError::Unsteady)
    }

    async fn ask(&self, old: u64, signed: &Arc<SignedCheckpoint>) -> Result<Answer, WitnessError> {
        let proving = Arc::clone(signed);
        let proof = tokio::task::spawn_blocking(move || proving.consistency_from(old)).await;
        let proof = proof.map_err(|_| WitnessError::Unsteady)??;
        let body = body(old, &proof, &signed.note().to_string());
        let answer = self.client.post(self.url.clone()).body(body).send().await.map_err(WitnessError::Unreachable)?;
        let status = answer.status();
        let text = read(answer).await?;
        match status {
            StatusCode::OK => Ok(Answer::Cosigned(text)),
            StatusCode::CONFLICT => size(&text).map(Answer::At).ok_or(WitnessError::Form),
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Answer::Inconsistent),
            StatusCode::NOT_FOUND => Err(WitnessError::UnknownLog),
            StatusCode::FORBIDDEN => Err(WitnessError::UnknownKey),
            other => Err(WitnessError::Status(other.as_u16())),
        }
    }
}

/// "A sequence of an old size line, zero or more consistency proof lines, and an empty line, followed by a checkpoint."
fn body(old: u64, proof: &[TreeHash], note: &str) -> String {
    let hashes: String = proof.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
    format!("old {old}\n{hashes}\n{note}")
}

/// "The tree size of the latest cosigned checkpoint in decimal, followed by a newline."
fn size(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('\n')?;
    let size: u64 = digits.parse().ok()?;
    (size.to_string() == digits).then_some(size)
}

async fn read(mut answer: reqwest::Response) -> Result<String, WitnessError> {
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(WitnessError::Unreachable)? {
        if bytes.len() + part.len() > ANSWER_MAX_BYTES {
            return Err(WitnessError::Form);
        }
        bytes.extend_from_slice(&part);
    }
    String::from_utf8(bytes).map_err(|_| WitnessError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_has_the_form_of_the_specification() {
        assert_eq!(body(0, &[], "log\n"), "old 0\n\nlog\n");
        let hash = STANDARD.encode([7; 32]);
        assert_eq!(body(20_852_014, &[[7; 32]; 2], "log\n"), format!("old 20852014\n{hash}\n{hash}\n\nlog\n"));
    }

    #[test]
    fn a_size_has_one_form() {
        assert_eq!(size("12\n"), Some(12));
        for text in ["", "12", "012\n", "+12\n", "-1\n", "12\n\n", "99999999999999999999\n"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_https_is_asked() {
        let seed = crate::secret::Secret::new([1; 32]);
        let name = crate::audit::note::KeyName::parse("w").unwrap();
        let key = crate::audit::note::Cosigner::from_seed(&seed, name).public().clone();
        let witness = HttpWitness::new(Client::new(), "https://w.example/prefix/", key.clone()).unwrap();
        assert_eq!(witness.url.as_str(), "https://w.example/prefix/add-checkpoint");
        assert!(HttpWitness::new(Client::new(), "http://w.example", key).is_err());
    }
}
