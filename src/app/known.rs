//! What the index of the access log remembers of the log of this node. It lies elsewhere than the log and follows it at once, so
//! it tells a folder that was wiped, put back or cut off where no witness does.

use tokio::runtime::Handle;

use super::start::StartError;
use crate::audit::{FoundLog, LogId, NodeName};
use crate::config::Config;
use crate::store::IndexStore;

/// What an operator knows it by.
const NAME: &str = "the index of the audit log";

/// Holds a log that was found against the index. An index that does not answer says nothing, and the node starts without it.
///
/// # Errors
/// When the index has another log of this node that was not ended on purpose, or more records of this one. Blocks, on a thread
/// of a runtime that may.
pub(super) fn hold_against(index: &dyn IndexStore, config: &Config, found: &FoundLog) -> Result<(), StartError> {
    let node = NodeName::parse(&config.node.name)?;
    let asked = Handle::current().block_on(async {
        let position = index.position(found.id().shared()).await?;
        index.logs().await.map(|logs| (logs, position))
    });
    let Ok((logs, position)) = asked else {
        tracing::warn!("the index of the audit log does not say what it has of this log");
        return Ok(());
    };
    let ended = |log: &String| config.audit.former_logs.contains(log);
    let own = |log: &&String| LogId::parse(log).is_some_and(|log| log != *found.id() && log.is_of(&node));
    if let Some(log) = logs.iter().filter(own).find(|log| !ended(log)) {
        return Err(StartError::OtherLog { witness: NAME.to_owned(), log: log.clone() });
    }
    match position {
        Some(position) if position.next > found.records() => {
            Err(StartError::Shortened { indexed: position.next, records: found.records() })
        }
        _ => Ok(()),
    }
}
