//! A simulated year in the folder of a sandbox: its audit log and its register, there before the gateway starts.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::SandboxError;
use super::layout::Layout;
use crate::audit::{KeyFolder, KeyUse, Keyring};
use crate::clock::SharedClock;
use crate::config::{Config, Store};
use crate::oauth::store::StoreError;
use crate::practices::programme::{Change, Registry};
use crate::report::FigureStore;
use crate::sandbox::pki::write_private;
use crate::sandbox::programme::{Listed, Plan, Programme};
use crate::seal::{KeyFile, Sealer};
use crate::secret::sha256;
use crate::store::{SqliteStore, Store as _};

/// Who changed the register first.
const BY: &str = "inzage sandbox --programme";
/// Where the audit keys of a sandbox are.
const KEYS: &str = "audit-keys";

/// How often it is told how far the index is, in records.
const TOLD_EVERY: u64 = 250_000;

/// Hears how far it is.
pub type Teller = Arc<dyn Fn(String) + Send + Sync>;

/// Makes the audit keys of the year from its seed, so that the same year has the same pseudonyms. Keys that are there stay.
pub(super) fn make_keys(dir: &Path, programme: &Programme) -> io::Result<()> {
    let folder = dir.join(KEYS);
    std::fs::create_dir_all(&folder)?;
    for year in programme.key_years() {
        for key_use in KeyUse::ALL.map(KeyUse::as_str) {
            let path = folder.join(format!("{year}.{key_use}"));
            if !path.exists() {
                let seed = programme.plan().seed;
                let key = sha256(format!("inzage programme {seed} audit key {year} {key_use}").as_bytes());
                write_private(&path, (STANDARD.encode(key) + "\n").as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Writes the year where the gateway will find it, unless it is there from an earlier start; what is listed of it.
pub(super) async fn simulate(
    layout: &Layout,
    programme: Programme,
    clock: &SharedClock,
    told: &Teller,
) -> Result<Listed, SandboxError> {
    if layout.file("programme.json").exists() {
        told("the simulated year is there already and stays as it is".to_owned());
        return Ok(programme.listed());
    }
    let config = Config::load(&layout.file("gateway.toml")).map_err(crate::app::StartError::Config)?;
    register(&config, &programme, clock).await?;
    let entries = programme.register().len();
    told(format!("register: {entries} entries, in order by its rules"));
    let keys = KeyFolder::new(&layout.file(KEYS)).load().map_err(io::Error::other)?;
    let (dir, clock, told) = (layout.dir().to_owned(), Arc::clone(clock), Arc::clone(told));
    let writing = tokio::task::spawn_blocking(move || {
        let of = programme.plan().events;
        let records = programme.write_log(&config.audit.dir, &Keyring::new(keys), |so_far| {
            told(format!("audit log: {so_far} records of about {of}"));
        })?;
        told(format!("audit log: {records} records, whole"));
        index(&config, &clock, &told)?;
        programme.tell(&dir, records)?;
        Ok::<_, SandboxError>(programme.listed())
    });
    writing.await.map_err(io::Error::other)?
}

/// Fills the index of the audit log, at full speed as nobody is served yet.
fn index(config: &Config, clock: &SharedClock, told: &Teller) -> Result<(), SandboxError> {
    let mut last = 0;
    let filled = crate::app::rebuild_index(config, clock, |so_far, of| {
        if so_far >= last + TOLD_EVERY {
            last = so_far;
            told(format!("index: {so_far} records of {of}"));
        }
    })?;
    told(format!("index: {} records, whole", filled.records));
    Ok(())
}

/// Puts the entries into the register of the store, all or none, as a change of an operator would.
async fn register(config: &Config, programme: &Programme, clock: &SharedClock) -> Result<(), SandboxError> {
    let Store::Sqlite(files) = &config.store else { return Ok(()) };
    let (path, sealing) = (files.path.clone(), config.keys.sealing.clone());
    let opening = tokio::task::spawn_blocking(move || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let sealer = Sealer::new(&KeyFile::load(&sealing).map_err(io::Error::other)?);
        SqliteStore::open(&path, sealer).map_err(io::Error::other)
    });
    let store = Arc::new(opening.await.map_err(io::Error::other)??);
    let registry = Registry::new(Arc::clone(&store) as _);
    let changes: Vec<Change> = programme.register().entries().map(|entry| Change::put(0, entry)).collect();
    let changed = registry.change(&changes, BY, clock.now()).await;
    let listed = keep_zal(&*store, programme).await;
    store.close();
    changed.map_err(SandboxError::Register)?;
    listed.map_err(|error| io::Error::other(error).into())
}

/// Keeps whom the ZAL named over the year, as a node keeps it whenever another list comes into force.
async fn keep_zal(store: &dyn FigureStore, programme: &Programme) -> Result<(), StoreError> {
    for named in programme.zal_history() {
        store.zal_named(named).await?;
    }
    Ok(())
}

impl Programme {
    /// The year of a plan, or that of an earlier start in this folder.
    ///
    /// # Errors
    /// When the file that tells of it cannot be read.
    pub(super) fn in_folder(dir: &Path, plan: Plan) -> io::Result<Self> {
        let text = match std::fs::read(dir.join("programme.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::draw(plan)),
            Err(error) => return Err(error),
        };
        let told: serde_json::Value = serde_json::from_slice(&text).map_err(io::Error::other)?;
        let member = |name: &str| told.get(name);
        let number = |name: &str| {
            member(name).and_then(serde_json::Value::as_u64).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        };
        let until = member("until")
            .and_then(serde_json::Value::as_str)
            .and_then(|until| until.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        let practices = u32::try_from(number("practices")?).map_err(io::Error::other)?;
        Ok(Self::draw(Plan { seed: number("seed")?, until, events: plan.events, practices }))
    }
}
