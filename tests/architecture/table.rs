//! The tables: which part stands on which level, which crate may be named where, and every exception with its reason.
//! Changing one of them is a decision about the design, and is reviewed as one.

/// From the inside out; a level may name those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Values and the doors for time, randomness and encoding.
    Words,
    /// Rules and use cases; they declare ports.
    Rules,
    /// What implements ports: disks, databases, other machines.
    Outside,
    /// What answers on our sockets.
    Sockets,
    /// What puts everything together.
    Assembly,
}

/// Every part, in order: each may name those above it and itself. A file belongs to the longest name that fits it.
pub(crate) const PARTS: &[(Level, &str)] = &[
    (Level::Words, "bounds"),
    (Level::Words, "clock"),
    (Level::Words, "background"),
    (Level::Words, "rates"),
    (Level::Words, "secret"),
    (Level::Words, "seal"),
    (Level::Words, "medmij"),
    (Level::Words, "form"),
    (Level::Words, "jose"),
    (Level::Words, "language"),
    (Level::Words, "trace"),
    (Level::Rules, "services"),
    (Level::Rules, "practices"),
    (Level::Rules, "practices::words"),
    (Level::Rules, "lists"),
    (Level::Rules, "practices::find"),
    (Level::Rules, "audit"),
    (Level::Rules, "chainlog"),
    (Level::Rules, "his"),
    (Level::Rules, "availability"),
    (Level::Rules, "oauth::store"),
    (Level::Rules, "practices::golive::places"),
    (Level::Rules, "practices::programme"),
    (Level::Rules, "audit::index"),
    (Level::Rules, "audit::syslog::progress"),
    (Level::Rules, "oauth::pkce"),
    (Level::Rules, "oauth::smart_scope"),
    (Level::Rules, "oauth::authorize"),
    (Level::Rules, "clients"),
    (Level::Rules, "oauth::grant"),
    (Level::Rules, "routing"),
    (Level::Rules, "oauth"),
    (Level::Rules, "accesslog"),
    (Level::Rules, "fhir"),
    (Level::Rules, "fault"),
    (Level::Rules, "explain"),
    (Level::Rules, "auditors"),
    (Level::Rules, "session"),
    (Level::Rules, "report"),
    (Level::Rules, "signin"),
    (Level::Rules, "report::matrix"),
    (Level::Rules, "operations"),
    (Level::Rules, "open_desk"),
    (Level::Rules, "pages"),
    (Level::Rules, "monitor"),
    (Level::Outside, "telemetry"),
    (Level::Outside, "outgoing"),
    (Level::Outside, "tls"),
    (Level::Outside, "seal::file"),
    (Level::Outside, "lists::copy"),
    (Level::Outside, "lists::source"),
    (Level::Outside, "audit::lock"),
    (Level::Outside, "audit::keyfiles"),
    (Level::Outside, "audit::notes"),
    (Level::Outside, "audit::pruned"),
    (Level::Outside, "audit::reader"),
    (Level::Outside, "audit::scan"),
    (Level::Outside, "audit::follow"),
    (Level::Outside, "audit::read"),
    (Level::Outside, "audit::tiles"),
    (Level::Outside, "audit::verify"),
    (Level::Outside, "audit::show"),
    (Level::Outside, "audit::export"),
    (Level::Outside, "audit::file"),
    (Level::Outside, "audit::signer"),
    (Level::Outside, "audit::prune"),
    (Level::Outside, "audit::keeper"),
    (Level::Outside, "audit::prove"),
    (Level::Outside, "audit::indexer"),
    (Level::Outside, "audit::whole"),
    (Level::Outside, "audit::witness"),
    (Level::Outside, "audit::syslog"),
    (Level::Outside, "chainlog::spool"),
    (Level::Outside, "chainlog::queue"),
    (Level::Outside, "chainlog::delivery"),
    (Level::Outside, "his::pool"),
    (Level::Outside, "his::smart"),
    (Level::Outside, "his::fhir"),
    (Level::Outside, "his::rest"),
    (Level::Outside, "session::simulator"),
    (Level::Outside, "session::oidc"),
    (Level::Outside, "store"),
    (Level::Sockets, "edge"),
    (Level::Sockets, "fhir::http"),
    (Level::Sockets, "oauth::http"),
    (Level::Sockets, "session::http"),
    (Level::Sockets, "practices::http"),
    (Level::Sockets, "auditors::http"),
    (Level::Sockets, "operations::http"),
    (Level::Sockets, "open_desk::http"),
    (Level::Sockets, "monitor::http"),
    (Level::Assembly, "config"),
    (Level::Assembly, "routes"),
    (Level::Assembly, "app"),
    (Level::Assembly, "sandbox"),
    (Level::Assembly, "cli"),
];

/// What of the outside world the sockets may name.
pub(crate) const OUTSIDE_FOR_SOCKETS: &[&str] = &["tls"];

/// An edge against the order: from a module, to a module, and why it stays.
pub(crate) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "fhir::chain",
        "fault",
        "the status and reason in the chain log are those of the answer, so both come from the one table",
    ),
    ("fhir::sharing", "fault", "the reason in the audit is the code of the answer, so both come from the one table"),
    ("fhir::disclosure", "fault", "the reason in the audit is the code of the answer, so both come from the one table"),
    ("lists::refresh", "lists::copy", "the last good copy has one form; a port would only forward to it"),
];

/// A module and the only modules that may name it, tests apart.
pub(crate) const NAMED_ONLY_BY: &[(&str, &[&str])] =
    &[("config", &["config", "app", "cli", "sandbox::world"]), ("sandbox", &["sandbox", "cli"])];

/// A path of another crate, and the modules that may name it.
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    (
        "axum",
        &[
            "edge",
            "routes",
            "app",
            "sandbox",
            "fhir::http",
            "oauth::http",
            "session::http",
            "practices::http",
            "auditors::http",
            "operations::http",
            "open_desk::http",
            "monitor::http",
        ],
    ),
    ("aws_lc_rs::agreement", &["jose", "sandbox::portal"]),
    ("aws_lc_rs::rsa", &["jose"]),
    ("aws_lc_rs::signature", &["jose", "audit::note"]),
    ("askama", &["pages", "sandbox"]),
    ("clap", &["cli"]),
    ("deadpool_postgres", &["store"]),
    ("csv", &["audit::render", "operations::matrix", "pages::log", "practices::programme"]),
    ("fearless_simd", &["fhir::shape", "audit::index"]),
    ("foldhash", &["practices", "lists", "clients", "store"]),
    ("getrandom", &["secret"]),
    ("governor", &["oauth::rate", "signin", "rates"]),
    ("hyper", &["edge", "his::pool", "routes", "sandbox"]),
    ("indicatif", &["cli"]),
    ("ipnet", &["edge", "config", "outgoing"]),
    ("hyper_util", &["edge", "his::pool", "sandbox"]),
    ("miette", &["config"]),
    ("moka", &["his::fhir", "his::rest"]),
    ("notify", &["app::reload"]),
    ("ppp", &["edge"]),
    ("prometheus_client", &["monitor::metrics"]),
    ("quick_cache", &["store", "tls"]),
    ("quick_xml", &["fhir::xml", "lists"]),
    ("rcgen", &["sandbox"]),
    ("refinery", &["store"]),
    (
        "reqwest",
        &[
            "outgoing",
            "tls",
            "audit::witness",
            "lists::source",
            "chainlog::delivery",
            "session::oidc",
            "sandbox",
            "cli::node",
            "cli::status",
            "telemetry",
        ],
    ),
    ("rusqlite", &["store"]),
    ("rustix", &["background", "app::process", "app::takeover", "app::vitals", "cli"]),
    ("rustls", &["tls", "edge", "audit::syslog", "his::pool", "store", "sandbox"]),
    ("simdutf8", &["fhir::shape"]),
    ("smol_str", &["medmij", "report::matrix"]),
    ("socket2", &["edge"]),
    ("tokio::net", &["edge", "outgoing", "audit::syslog", "his::pool", "app", "sandbox"]),
    ("tokio_postgres", &["store"]),
    ("tokio_postgres_rustls", &["store"]),
    ("tokio_rustls", &["edge", "audit::syslog", "his::pool", "sandbox"]),
    ("toml", &["config", "services", "practices::programme", "sandbox::records"]),
    ("tower", &["routes", "sandbox"]),
    ("tower_http", &["session::http", "auditors::http", "operations::http", "open_desk::http", "sandbox"]),
    ("tracing_subscriber", &["telemetry"]),
    ("utoipa", &["operations", "practices::programme"]),
    ("utoipa_axum", &["operations::http"]),
    ("x509_parser", &["tls", "config", "sandbox::pki"]),
    ("zstd", &["audit", "lists::copy", "store"]),
    ("indicatif", &["cli"]),
    ("std::env", &["cli"]),
    (
        "std::fs",
        &[
            "telemetry",
            "tls",
            "lists::copy",
            "audit::lock",
            "audit::reader",
            "audit::keyfiles",
            "seal::file",
            "audit::scan",
            "audit::verify",
            "audit::file",
            "audit::tiles",
            "audit::notes",
            "audit::signer",
            "audit::keeper",
            "audit::prove",
            "audit::prune",
            "audit::export",
            "audit::whole",
            "audit::witness",
            "chainlog::spool",
            "store",
            "config",
            "app",
            "sandbox",
            "cli",
        ],
    ),
    ("std::process", &["cli", ""]),
    ("crate::audit::AuditReceipt::durable", &["audit::file", "audit::memory", "audit::unawaited"]),
];

/// Most lines of a file without, and with, nothing but tests.
pub(crate) const LINES_MAX: usize = 450;
/// See [`LINES_MAX`].
pub(crate) const TEST_LINES_MAX: usize = 600;

/// Most `unwrap` and `expect` in 1,000 lines that are not tests.
pub(crate) const UNWRAPS_PER_THOUSAND: usize = 2;

/// Macros that no code outside tests calls.
pub(crate) const BANNED_MACROS: &[&str] =
    &["panic", "todo", "unimplemented", "unreachable", "dbg", "print", "println", "eprint", "eprintln"];

/// A module that calls a banned macro, and why.
pub(crate) const MACRO_EXCEPTIONS: &[(&str, &str, &str)] =
    &[("cli", "println", "the one door to standard output"), ("cli", "eprintln", "the one door to standard error")];
