//! The audit log of a node with what vouches for it: its key, the thread that signs, and the witnesses. At the start the log
//! is held against all that is known of it before anything is appended.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::assemble::{CONTROL_DEADLINES, key};
use super::known;
use super::outgoing::{Outgoing, of_witness};
use super::start::StartError;
use crate::audit::keeper::{Keeper, Keeping, Pruner, PrunerError, Pruning};
use crate::audit::keys::{LogKeys, RetiredKey};
use crate::audit::note::SigningKey;
use crate::audit::prune::complete;
use crate::audit::signer::{Outside, Pace, SignedCheckpoint, SignedTree, Signer, keys_of, name_of};
use crate::audit::witness::{HttpWitness, Kind, Witness, WitnessFolder};
use crate::audit::{AuditLog, FileLog, FileLogConfig, FoundLog, LogId, NodeName, OpenError};
use crate::clock::SharedClock;
use crate::config::{self, Config, Environment};
use crate::monitor::alarms::{Alarm, Raised};
use crate::monitor::metrics::{Kept, Metrics, Pruned, Signed, Witnessed};
use crate::store::IndexStore;
use crate::tls::client::reqwest_client;

/// Signing and witnesses of a log that is open.
#[derive(Clone)]
pub(super) struct Checkpoints {
    signer: Arc<Signer>,
    /// Seals segments, where the configuration wants that.
    keeper: Option<Arc<Keeper>>,
    witnesses: Vec<Arc<Witness>>,
}

/// Finds the log, holds it against its checkpoint, its witnesses and its index, and opens it. Blocks, on a thread of a runtime that may.
pub(super) fn open_audit(
    config: &Config,
    clock: &SharedClock,
    index: Option<&dyn IndexStore>,
    outgoing: &Outgoing,
) -> Result<(Arc<FileLog>, Checkpoints), StartError> {
    let found = find(config)?;
    let witnesses = witnesses(config, found.id(), clock, outgoing)?;
    let open = open(config, clock, (found, witnesses), index)?;
    let pruner = config.audit.prune.then(|| open.pruner(config, clock));
    let Open { log, signer, witnesses, key, .. } = open;
    let keeper = keeper(config, key, &signer, pruner)?;
    Ok((log, Checkpoints { signer, keeper, witnesses }))
}

/// The same for a log that no witness sees and nobody keeps.
pub(super) fn open_unwatched(config: &Config, clock: &SharedClock) -> Result<(Arc<FileLog>, Checkpoints), StartError> {
    let Open { log, signer, witnesses, .. } = open(config, clock, (find(config)?, Vec::new()), None)?;
    Ok((log, Checkpoints { signer, keeper: None, witnesses }))
}

/// A log that is open and signed.
struct Open {
    log: Arc<FileLog>,
    signer: Arc<Signer>,
    witnesses: Vec<Arc<Witness>>,
    /// Signs manifests and statements.
    key: SigningKey,
    keys: LogKeys,
}

impl Open {
    fn pruner(&self, config: &Config, clock: &SharedClock) -> Pruner {
        Pruner {
            dir: config.audit.dir.clone(),
            keys: self.keys.clone(),
            days: config.audit.retention_days,
            log: Arc::clone(&self.log) as Arc<dyn AuditLog>,
            clock: Arc::clone(clock),
            runtime: Handle::current(),
        }
    }
}

fn open(
    config: &Config,
    clock: &SharedClock,
    (found, witnesses): (FoundLog, Vec<Arc<Witness>>),
    index: Option<&dyn IndexStore>,
) -> Result<Open, StartError> {
    let dir = &config.audit.dir;
    let (tree, key, keys) = held_against(config, &found, &witnesses)?;
    index.map_or(Ok(()), |index| known::hold_against(index, config, &found))?;
    match complete(dir, &keys) {
        Ok(0) => {}
        Ok(segments) => tracing::info!(segments, "removed what an interrupted pruning of the audit log had left"),
        // Nobody reads them any more, so they do no harm.
        Err(error) => tracing::warn!(error = super::chain(&error), "old segments of the audit log cannot be removed"),
    }
    let (log, recovery) = found.start(Arc::clone(clock)).map_err(|error| refused(config, error))?;
    if recovery.cut_bytes > 0 {
        tracing::warn!(
            bytes = recovery.cut_bytes,
            records = recovery.records,
            "an unfinished last audit record was cut off"
        );
    }
    let pace = Pace { overdue: config.audit.unsigned_max, ..Pace::default() };
    let started = Signer::start(tree.beside(log.recent()), log.durable(), pace, Arc::clone(clock));
    let signer = started.map_err(|source| StartError::File { path: dir.display().to_string(), source })?;
    Ok(Open { log: Arc::new(log), signer: Arc::new(signer), witnesses, key, keys })
}

/// The tree of a log that was found, once its folder and its witnesses say the same; a key that signs for it, and its keys.
fn held_against(
    config: &Config,
    found: &FoundLog,
    witnesses: &[Arc<Witness>],
) -> Result<(SignedTree, SigningKey, LogKeys), StartError> {
    let dir = &config.audit.dir;
    let seed = key(&config.audit.checkpoint_key)?;
    let (signing, keys) = keys_of(found.id(), &seed, &config.audit.retired_keys).map_err(StartError::Checkpoints)?;
    let (sealing, _) = keys_of(found.id(), &seed, &[]).map_err(StartError::Checkpoints)?;
    let tree = SignedTree::open(dir, found, (signing, keys.clone()), &[]);
    let mut tree = tree.map_err(StartError::Checkpoints)?;
    let mut hearing = Hearing::default();
    for witness in witnesses {
        hearing.ask_folder(witness, &keys, config)?;
    }
    tree.hold_against(&hearing.outside, found.records()).map_err(StartError::Checkpoints)?;
    hearing.ask_servers(witnesses, &tree, found.records())?;
    hearing.conclude(witnesses)?;
    Ok((tree, sealing, keys))
}

/// What seals the segments of the log and removes old ones, when that is wanted.
fn keeper(
    config: &Config,
    key: SigningKey,
    signer: &Signer,
    pruner: Option<Pruner>,
) -> Result<Option<Arc<Keeper>>, StartError> {
    let dir = &config.audit.dir;
    let started = config.audit.seal.then(|| Keeper::start(dir.clone(), key, signer.newest(), pruner)).transpose();
    let keeper = started.map_err(|source| StartError::File { path: dir.display().to_string(), source })?;
    Ok(keeper.map(Arc::new))
}

fn find(config: &Config) -> Result<FoundLog, StartError> {
    let settings = FileLogConfig {
        dir: config.audit.dir.clone(),
        node: NodeName::parse(&config.node.name)?,
        segment_bytes: config.audit.segment_bytes,
        queue_bound: config.audit.queue,
    };
    FileLog::find(settings).map_err(|error| refused(config, error))
}

fn refused(config: &Config, error: OpenError) -> StartError {
    match error {
        OpenError::Locked { holder } => StartError::Locked { folder: config.audit.dir.display().to_string(), holder },
        error @ (OpenError::Damaged(_) | OpenError::Io { .. }) => StartError::Audit(error),
    }
}

fn witnesses(
    config: &Config,
    log: &LogId,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<Vec<Arc<Witness>>, StartError> {
    let mut witnesses = Vec::new();
    for (number, written) in config.audit.witnesses.iter().enumerate() {
        let (name, kind) = match &written.kind {
            config::WitnessKind::Folder(dir) => {
                elsewhere(config, dir)?;
                (dir.display().to_string(), Kind::Folder(Arc::new(WitnessFolder::new(dir.clone(), log.clone()))))
            }
            config::WitnessKind::Server { url, key, .. } => {
                let tls = outgoing.of(&of_witness(number))?.client_config(&[crate::tls::ALPN_HTTP1], clock)?;
                let client = reqwest_client(tls, outgoing.destinations(), CONTROL_DEADLINES)?;
                (key.name().to_string(), Kind::Http(HttpWitness::new(client, url.as_str(), key.clone())?))
            }
        };
        witnesses.push(Arc::new(Witness::new(name, written.every, kind, Arc::clone(clock))));
    }
    Ok(witnesses)
}

/// In production a folder that keeps checkpoints lies on another device than the log: what puts the one back must not put
/// back the other, and a mount that is away must not look like an empty folder.
fn elsewhere(config: &Config, dir: &Path) -> Result<(), StartError> {
    let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
    let same = device(dir).is_some_and(|there| device(&config.audit.dir) == Some(there));
    if same && config.environment == Environment::Production {
        return Err(StartError::WitnessNotElsewhere { path: dir.display().to_string() });
    }
    Ok(())
}

/// What the witnesses say at the start.
#[derive(Default)]
struct Hearing {
    outside: Vec<Outside>,
    confirmed: usize,
    silent: Vec<String>,
}

impl Hearing {
    fn ask_folder(&mut self, witness: &Witness, keys: &LogKeys, config: &Config) -> Result<(), StartError> {
        let Kind::Folder(folder) = witness.kind() else { return Ok(()) };
        let node = NodeName::parse(&config.node.name)?;
        let others = folder.others(&node).unwrap_or_default();
        let ended = |log: &LogId| config.audit.former_logs.contains(&log.to_string());
        if let Some(other) = others.into_iter().find(|other| !ended(other)) {
            let (witness, log) = (format!("the witness {}", witness.name()), other.to_string());
            return Err(StartError::OtherLog { witness, log });
        }
        match folder.newest(keys) {
            Ok(newest) => {
                self.confirmed += 1;
                let place = || witness.name().to_owned();
                self.outside.extend(newest.map(|checkpoint| Outside { place: place(), checkpoint }));
            }
            Err(error) if error.contradicts() => return Err(contradicted(witness, error)),
            Err(error) => self.silent.push(format!("{}: {}", witness.name(), super::chain(&error))),
        }
        Ok(())
    }

    /// Servers check for themselves that what they are given continues what they saw.
    fn ask_servers(&mut self, witnesses: &[Arc<Witness>], tree: &SignedTree, records: u64) -> Result<(), StartError> {
        let servers = witnesses.iter().filter(|witness| matches!(witness.kind(), Kind::Http(_)));
        for witness in servers {
            // Of a log without records nobody has seen anything.
            if records == 0 && tree.newest().is_none() {
                self.confirmed += 1;
                continue;
            }
            let signed: Arc<SignedCheckpoint> = match tree.newest() {
                Some(newest) => Arc::clone(newest),
                None => Arc::new(tree.nothing_signed().map_err(StartError::Checkpoints)?),
            };
            match Handle::current().block_on(witness.submit(&signed)) {
                Ok(_) => self.confirmed += 1,
                Err(error) if error.contradicts() => return Err(contradicted(witness, error)),
                Err(error) => self.silent.push(format!("{}: {}", witness.name(), super::chain(&error))),
            }
        }
        Ok(())
    }

    fn conclude(self, witnesses: &[Arc<Witness>]) -> Result<(), StartError> {
        for silent in &self.silent {
            tracing::warn!(witness = silent, "a witness does not say what it saw of the audit log");
        }
        if self.confirmed == 0 && !witnesses.is_empty() {
            return Err(StartError::Unwitnessed { said: self.silent.join("; ") });
        }
        Ok(())
    }
}

fn contradicted(witness: &Witness, source: crate::audit::witness::WitnessError) -> StartError {
    StartError::Contradicted { witness: witness.name().to_owned(), source }
}

impl Checkpoints {
    /// Gives each new checkpoint to the witnesses, until `stop`.
    pub(super) fn feed(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        for witness in &self.witnesses {
            tasks.spawn(Arc::clone(witness).feed(Arc::clone(&self.signer), stop.clone()));
        }
    }

    /// Signs the last record and gives that to the witnesses. Nothing is appended any more.
    pub(super) async fn finish(&self) {
        // They wait for the disk. Should one not end well, the next start makes up for it.
        let signer = Arc::clone(&self.signer);
        let _ = tokio::task::spawn_blocking(move || signer.settle()).await;
        for witness in &self.witnesses {
            witness.close(&self.signer).await;
        }
        let signer = Arc::clone(&self.signer);
        let _ = tokio::task::spawn_blocking(move || signer.finish()).await;
    }

    /// Ends the sealing and pruning, which adds records of its own.
    pub(super) async fn end_keeping(&self) {
        if let Some(keeper) = self.keeper.clone() {
            let _ = tokio::task::spawn_blocking(move || keeper.end()).await;
        }
    }

    /// Why the node should not serve: too many records wait for a signature, for too long.
    pub(super) fn fault(&self) -> Option<String> {
        let signing = self.signer.signing();
        signing.overdue.then(|| {
            let why = signing.failure.map(|failure| format!(": {failure}"));
            format!("{} records are not signed{}", signing.unsigned, why.unwrap_or_default())
        })
    }

    /// What needs an operator.
    pub(super) fn alarms(&self) -> Vec<Raised> {
        let mut raised = Vec::new();
        let mut raise = |alarm: Alarm, detail: String| raised.push(Raised { alarm: alarm.as_str(), detail });
        if let Some(failure) = self.signer.signing().failure {
            raise(Alarm::CheckpointFails, failure);
        }
        let Keeping { failure, pruning, .. } = self.keeper.as_ref().map(|keeper| keeper.keeping()).unwrap_or_default();
        if let Some(failure) = failure {
            raise(Alarm::SealFails, failure);
        }
        if let Some(failure) = pruning.and_then(|pruning| pruning.failure) {
            raise(Alarm::PruneFails, failure);
        }
        for witness in &self.witnesses {
            let progress = witness.progress();
            let detail = || format!("{}: {}", witness.name(), progress.failure.clone().unwrap_or_default());
            if progress.contradicts {
                raise(Alarm::WitnessContradicts, detail());
            } else if progress.behind {
                raise(Alarm::WitnessBehind, detail());
            }
        }
        raised
    }

    /// Sets the metrics.
    pub(super) fn observe(&self, metrics: &Metrics) {
        let signing = self.signer.signing();
        let witnessed = self.witnesses.iter().map(|witness| {
            let seen = witness.progress().seen.unwrap_or_default();
            Witnessed { witness: witness.name().to_owned(), behind: signing.signed.saturating_sub(seen) }
        });
        let signed = Signed { size: signing.signed, unsigned: signing.unsigned, waiting: signing.waiting };
        metrics.observe_checkpoints(&signed, &witnessed.collect::<Vec<_>>());
        if let Some(keeper) = &self.keeper {
            let Keeping { segments, sealed, bytes, failures, pruning, .. } = keeper.keeping();
            let pruned = pruning.map(|Pruning { records, looked, failures, .. }| Pruned { records, looked, failures });
            metrics.observe_keeping(&Kept { segments, sealed, bytes, failures, pruned });
        }
    }
}

/// The public key that checks the checkpoints of the log of this configuration. The node may run.
///
/// # Errors
/// When there is no log yet, or the key file cannot be used.
pub fn checkpoint_key(config: &Config) -> Result<String, StartError> {
    let name = name_of(&config.audit.dir).map_err(StartError::Checkpoints)?;
    Ok(SigningKey::from_seed(&key(&config.audit.checkpoint_key)?, name).verifier().to_string())
}

/// What becomes of the key of this configuration when it is replaced now. The node must not run, and all of its log must be
/// signed.
///
/// # Errors
/// When the log is in use, not in order or not signed to its end.
pub fn retirement(config: &Config) -> Result<RetiredKey, StartError> {
    let found = find(config)?;
    let seed = key(&config.audit.checkpoint_key)?;
    let (signing, keys) = keys_of(found.id(), &seed, &config.audit.retired_keys).map_err(StartError::Checkpoints)?;
    let tree = SignedTree::open(&config.audit.dir, &found, (signing, keys.clone()), &[]);
    let tree = tree.map_err(StartError::Checkpoints)?;
    let newest = tree.newest().filter(|newest| newest.checkpoint().size == found.records());
    let signed = || tree.newest().map_or(0, |newest| newest.checkpoint().size);
    let newest = newest.ok_or_else(|| StartError::NotSigned { records: found.records(), signed: signed() })?;
    Ok(RetiredKey::at(&keys, newest.checkpoint()))
}

/// What the retention lets go of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetGo {
    /// The first record that is kept.
    pub first_kept: u64,
    /// How many segments go.
    pub segments: usize,
}

/// Removes from the log what is older than the retention and records that, or only says what it is; `None` when it is nothing.
/// The node must not run. The log is held against its checkpoint and its witnesses first. Blocks, on a thread of a runtime that
/// may.
///
/// # Errors
/// When the log is in use, or not in order.
pub fn prune_audit(config: &Config, clock: &SharedClock, remove: bool) -> Result<Option<LetGo>, StartError> {
    let found = find(config)?;
    let witnesses = witnesses(config, found.id(), clock, &Outgoing::of_witnesses(config)?)?;
    let open = open(config, clock, (found, witnesses), None)?;
    let pruned = prune(&open, &open.pruner(config, clock), remove);
    let Open { log, signer, witnesses, .. } = open;
    Handle::current().block_on(Checkpoints { signer, keeper: None, witnesses }.finish());
    log.close();
    pruned.map_err(StartError::Prune)
}

fn prune(open: &Open, pruner: &Pruner, remove: bool) -> Result<Option<LetGo>, PrunerError> {
    let Some(newest) = open.signer.newest().borrow().clone() else { return Ok(None) };
    let Some(plan) = pruner.plan(&newest)? else { return Ok(None) };
    let gone = LetGo { first_kept: plan.first_kept(), segments: plan.segments() };
    if remove {
        pruner.run(plan, &open.key)?;
    }
    Ok(Some(gone))
}
