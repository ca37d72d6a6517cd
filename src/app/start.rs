//! Why a node cannot start, and the exit code that says so to whoever started it (sysexits.h).

use std::net::SocketAddr;

use crate::config::ConfigFaults;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has faults.
    #[error("the configuration has faults")]
    Config(ConfigFaults),
    /// A certificate, key or root cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[from] crate::tls::TlsError),
    /// A certificate and its key cannot be used together, or not now.
    #[error("the certificate {path} cannot be used with its key")]
    Certificate {
        /// The file of the certificate.
        path: String,
        /// Why.
        #[source]
        source: crate::tls::TlsError,
    },
    /// A key file cannot be used.
    #[error("the key file {path} cannot be used")]
    Key {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: crate::seal::KeyError,
    },
    /// The audit keys cannot be used.
    #[error("the audit keys in {folder} cannot be used")]
    AuditKeys {
        /// Where they are.
        folder: String,
        /// Why.
        #[source]
        source: crate::audit::KeyFolderError,
    },
    /// The audit keys of this year are missing, so nobody could be named in a record.
    #[error("{missing}: run `inzage audit keys create --from {year} --to {year} {folder}`", year = missing.year)]
    NoAuditKey {
        /// Where they would be.
        folder: String,
        /// Which.
        missing: crate::audit::NoKey,
    },
    /// The keys of a portal cannot be used.
    #[error("the key set {path} cannot be used")]
    KeySet {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: crate::jose::JwkError,
    },
    /// A private key for tokens cannot be used.
    #[error("the private key {path} cannot be used")]
    TokenKey {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: crate::jose::KeyError,
    },
    /// The login service cannot be asked as it is configured.
    #[error("the login service cannot be used")]
    Login(#[from] crate::session::oidc::OidcError),
    /// A folder belongs to a running process.
    #[error("{folder} is in use by {}", holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Locked {
        /// Which.
        folder: String,
        /// The process, when the system tells.
        holder: Option<u32>,
    },
    /// The audit log cannot be opened.
    #[error("the audit log cannot be opened")]
    Audit(#[source] crate::audit::OpenError),
    /// The audit log cannot be read.
    #[error("the audit log cannot be read")]
    AuditLog(#[source] crate::audit::ReadError),
    /// Old records of the audit log are not removed.
    #[error("the audit log cannot be pruned")]
    Prune(#[source] crate::audit::keeper::PrunerError),
    /// The index of the audit log cannot be changed.
    #[error("the index of the audit log cannot be changed")]
    Index(#[source] crate::audit::IndexFault),
    /// What was counted for the figures cannot be dropped.
    #[error("what was counted cannot be dropped")]
    Figures(#[source] crate::oauth::store::StoreError),
    /// The audit log is not the one that was signed, or its key is another.
    #[error("the audit log is not the one that was signed")]
    Checkpoints(#[source] crate::audit::signer::SignError),
    /// A witness saw another log, or more of this one.
    #[error("the witness {witness} contradicts the audit log")]
    Contradicted {
        /// Which.
        witness: String,
        /// What it says.
        #[source]
        source: crate::audit::witness::WitnessError,
    },
    /// No witness answers.
    #[error("no witness of the audit log says what it saw: {said}")]
    Unwitnessed {
        /// Why, of each.
        said: String,
    },
    /// A witness knows another log of this node.
    #[error(
        "{witness} keeps the log {log} of this node, which is not in the audit folder: put it back, or name it in \
         audit.former_logs"
    )]
    OtherLog {
        /// Which witness.
        witness: String,
        /// Which log.
        log: String,
    },
    /// The index has more records of the log than the log.
    #[error(
        "the audit folder has {records} records, and {indexed} of them were in its index: put the folder back; `inzage audit index \
         rebuild` takes it as it is"
    )]
    Shortened {
        /// How many the index has.
        indexed: u64,
        /// How many there are.
        records: u64,
    },
    /// A folder that keeps checkpoints is beside the log.
    #[error("the witness {path} must lie on another device than the audit log; is it mounted?")]
    WitnessNotElsewhere {
        /// Which.
        path: String,
    },
    /// The URL of a witness cannot be used.
    #[error(transparent)]
    WitnessUrl(#[from] crate::audit::witness::WitnessUrlError),
    /// The key cannot be replaced now.
    #[error(
        "the audit log has {records} records of which {signed} are signed: start the node and stop it in order first"
    )]
    NotSigned {
        /// How many records there are.
        records: u64,
        /// How many are signed.
        signed: u64,
    },
    /// The chain log cannot be kept.
    #[error("the chain log cannot be kept")]
    ChainLog(#[source] crate::chainlog::spool::SpoolError),
    /// The chain log cannot be delivered this way.
    #[error("the chain log cannot be delivered")]
    ChainLogTarget(#[from] crate::chainlog::delivery::TargetError),
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] crate::store::OpenError),
    /// The store does not say what operators set.
    #[error("the store does not answer")]
    StoreSilent,
    /// The last good copy of the lists cannot be used.
    #[error("the last good copy of the lists cannot be used")]
    ListCopy(#[from] crate::lists::CopyError),
    /// The database server cannot be used.
    #[error("the store cannot be opened")]
    Server(#[from] crate::store::PostgresError),
    /// A folder or file cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A port cannot be bound.
    #[error("{address} cannot be bound")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The process that runs on the folders is not known, cannot be told to stop, or does not end.
    #[error("the running process does not make way")]
    Takeover,
    /// Nothing was read for a section that makes calls.
    #[error("no certificates were read for [{section}]")]
    NoCredentials {
        /// Which.
        section: String,
    },
    /// The build has no login service of the kind that is configured.
    #[error("this build has no login simulator")]
    NoLogin,
    /// The sources of the lists cannot be used.
    #[error("the lists cannot be fetched this way")]
    Lists(#[from] crate::lists::HttpsSourceError),
    /// The list that ties numbers to provider names is not valid.
    #[error("the list {path} is not valid")]
    Koppellijst {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: crate::lists::ListError,
    },
    /// The service catalogue is not valid.
    #[error("the service catalogue {path} is not valid")]
    Catalogue {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: crate::services::CatalogueError,
    },
    /// The name of the node cannot be used.
    #[error(transparent)]
    NodeName(#[from] crate::audit::NodeNameError),
    /// The base URL of a HIS cannot be used.
    #[error("the HIS {id} has no usable base URL")]
    His {
        /// Which.
        id: String,
    },
}

impl StartError {
    /// 78 for the configuration, 75 for what may pass by itself, 69 for what is missing around us.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Tls(_)
            | Self::Certificate { .. }
            | Self::Key { .. }
            | Self::AuditKeys { .. }
            | Self::NoAuditKey { .. }
            | Self::TokenKey { .. }
            | Self::KeySet { .. }
            | Self::Login(_)
            | Self::Lists(_)
            | Self::Koppellijst { .. }
            | Self::Catalogue { .. }
            | Self::ChainLogTarget(_)
            | Self::His { .. }
            | Self::NodeName(_)
            | Self::NoCredentials { .. }
            | Self::NoLogin
            | Self::WitnessNotElsewhere { .. }
            | Self::WitnessUrl(_)
            | Self::OtherLog { .. }
            | Self::Checkpoints(crate::audit::signer::SignError::OtherKey { .. }) => 78,
            Self::Locked { .. } | Self::Takeover | Self::Unwitnessed { .. } | Self::StoreSilent => 75,
            Self::Audit(_)
            | Self::AuditLog(_)
            | Self::Prune(_)
            | Self::Index(_)
            | Self::Figures(_)
            | Self::Checkpoints(_)
            | Self::Contradicted { .. }
            | Self::Shortened { .. }
            | Self::NotSigned { .. }
            | Self::ChainLog(_)
            | Self::Store(_)
            | Self::ListCopy(_)
            | Self::Server(_)
            | Self::File { .. }
            | Self::Bind { .. } => 69,
        }
    }
}
