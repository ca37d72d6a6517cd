//! Where the database is: the URL form of libpq, read strictly. What crosses a network is encrypted and the server's name is
//! checked; there is no mode in between.

use std::fmt;
use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts, TargetSessionAttrs};

/// A server, a database and a user. Prints without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Box<Config>,
    encryption: Encryption,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not: the server is on this machine (`sslmode=disable`, and the default there).
    Off,
    /// It is, and the certificate must name the host (`sslmode=verify-full`, and the default elsewhere).
    Verified,
}

/// Why a text is not such a URL. Nothing of it is repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is something else, or has parts that nothing reads.
    #[error(
        "expected a URL such as postgres://inzage@db.example/inzage; beside those parts it may have the parameters \
         sslmode, host, hostaddr, port, user, dbname and application_name"
    )]
    NotAUrl,
    /// A mode that does not check who answers.
    #[error(
        "expected sslmode=verify-full, or disable for a server on this machine: other modes do not check who answers"
    )]
    Mode,
    /// Personal data and credentials would cross a network in clear.
    #[error("expected sslmode=verify-full: only a server on this machine may be reached without encryption")]
    Unencrypted,
}

/// Parameters that an operator may give beside `sslmode`. Deadlines and session settings are ours.
const PARAMETERS: &[&str] = &["host", "hostaddr", "port", "user", "password", "dbname", "application_name"];

impl PostgresUrl {
    /// Reads `postgres://[user[:password]@]host[:port][,…]/database[?parameter=value&…]`. Of several hosts the one that
    /// takes writes is used.
    ///
    /// # Errors
    /// See [`UrlFault`].
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(UrlFault::NotAUrl);
        }
        let (mode, rest) = take_mode(text)?;
        let mut config: Config = rest.parse().map_err(|_| UrlFault::NotAUrl)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(UrlFault::NotAUrl);
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_hosts().len() > 1 {
            config.load_balance_hosts(LoadBalanceHosts::Random);
        }
        let encryption = encryption(mode, is_here(&config))?;
        Ok(Self { config: Box::new(config), encryption })
    }

    /// Whether a password stands in it.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// As the driver wants it.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

/// Takes `sslmode` out, because the driver knows other words for it, and refuses what nobody should set.
fn take_mode(text: &str) -> Result<(Option<&str>, String), UrlFault> {
    let Some((base, query)) = text.split_once('?') else { return Ok((None, text.to_owned())) };
    let (mut mode, mut kept) = (None, Vec::new());
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) if mode.is_none() => mode = Some(value),
            Some((name, _)) if PARAMETERS.contains(&name) => kept.push(parameter),
            Some(_) | None => return Err(UrlFault::NotAUrl),
        }
    }
    let rest = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    Ok((mode, rest))
}

fn encryption(mode: Option<&str>, here: bool) -> Result<Encryption, UrlFault> {
    match (mode, here) {
        (Some("verify-full"), _) | (None, false) => Ok(Encryption::Verified),
        (Some("disable") | None, true) => Ok(Encryption::Off),
        (Some("disable"), false) => Err(UrlFault::Unencrypted),
        (Some(_), _) => Err(UrlFault::Mode),
    }
}

/// Whether every address is a socket file or a loopback address.
fn is_here(config: &Config) -> bool {
    let host = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(host) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// User, hosts and database; no password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.config.get_hosts().iter().map(host_text).collect();
        let user = self.config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        write!(f, "postgres://{user}{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

fn host_text(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_follows_from_where_the_server_is() {
        for (text, expected) in [
            ("postgres://i@db.example/i", Ok(Encryption::Verified)),
            ("postgres://i@db.example/i?sslmode=verify-full", Ok(Encryption::Verified)),
            ("postgresql://i@a.example:5433,b.example/i", Ok(Encryption::Verified)),
            ("postgres://i@127.0.0.1:5432/i", Ok(Encryption::Off)),
            ("postgres://i@localhost/i?sslmode=disable", Ok(Encryption::Off)),
            ("postgres://i@localhost/i?sslmode=verify-full", Ok(Encryption::Verified)),
            ("postgres://i@%2Frun%2Fpostgresql/i", Ok(Encryption::Off)),
            ("postgres:///i?host=/run/postgresql&user=i", Ok(Encryption::Off)),
            ("postgres://i@db.example/i?sslmode=disable", Err(UrlFault::Unencrypted)),
            ("postgres://i@localhost,db.example/i?sslmode=disable", Err(UrlFault::Unencrypted)),
            ("postgres://i@localhost/i?hostaddr=10.0.0.1&sslmode=disable", Err(UrlFault::Unencrypted)),
            ("postgres://i@localhost.evil.example/i?sslmode=disable", Err(UrlFault::Unencrypted)),
            ("postgres://i@db.example/i?sslmode=require", Err(UrlFault::Mode)),
            ("postgres://i@db.example/i?sslmode=prefer", Err(UrlFault::Mode)),
            ("postgres://i@db.example/i?options=-c%20x", Err(UrlFault::NotAUrl)),
            ("postgres://i@db.example/i?sslmode=verify-full&sslmode=disable", Err(UrlFault::NotAUrl)),
            ("postgres:///i", Err(UrlFault::NotAUrl)),
            ("host=db.example user=i", Err(UrlFault::NotAUrl)),
            ("mysql://i@db.example/i", Err(UrlFault::NotAUrl)),
        ] {
            assert_eq!(PostgresUrl::parse(text).map(|url| url.encryption()), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_seen_and_never_shown() {
        for text in ["postgres://i:geheim@localhost/i", "postgres://i@localhost/i?password=geheim"] {
            let url = PostgresUrl::parse(text).unwrap();
            assert!(url.has_password());
            assert!(!format!("{url} {url:?}").contains("geheim"), "{url:?}");
        }
        assert!(!PostgresUrl::parse("postgres://i@localhost/i").unwrap().has_password());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(postgres(ql)?://)?[a-z:@/?&=%,.\\[\\]0-9]{0,60}|\\PC{0,60}") {
            if let Ok(url) = PostgresUrl::parse(&text) {
                let _ = format!("{url}");
            }
        }
    }
}
