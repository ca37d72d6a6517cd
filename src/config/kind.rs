//! What a value can be: each kind says what it expects and turns a TOML value into a typed one, or refuses it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use jiff::civil::Date;
use toml::de::DeValue;

use super::origin::{HttpsUrl, Origin};
use crate::audit::keys::RetiredKey;
use crate::audit::note::CosignerKey;
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::oauth::authorize::RedirectUri;
use crate::store::PostgresUrl;

/// Why a value is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is something else than expected.
    Wrong,
    /// It may be a secret, so it is not repeated.
    Secret,
}

type Reader<T> = Box<dyn Fn(&DeValue<'_>) -> Result<T, Refusal>>;

/// A kind of value.
pub(super) struct Kind<T> {
    expected: Cow<'static, str>,
    choices: Vec<&'static str>,
    read: Reader<T>,
}

impl<T> Kind<T> {
    pub(super) fn new(
        expected: impl Into<Cow<'static, str>>,
        read: impl Fn(&DeValue<'_>) -> Result<T, Refusal> + 'static,
    ) -> Self {
        Self { expected: expected.into(), choices: Vec::new(), read: Box::new(read) }
    }

    fn text(expected: impl Into<Cow<'static, str>>, parse: impl Fn(&str) -> Option<T> + 'static) -> Self {
        Self::new(expected, move |value| value.as_str().and_then(&parse).ok_or(Refusal::Wrong))
    }

    /// An array of at least one of these.
    pub(super) fn many(self) -> Kind<Vec<T>>
    where
        T: 'static,
    {
        let Self { expected, read, .. } = self;
        Kind::new(format!("an array, each {expected}"), move |value| {
            let array = value.as_array().filter(|array| !array.is_empty()).ok_or(Refusal::Wrong)?;
            array.iter().map(|item| read(item.get_ref())).collect()
        })
    }

    /// What belongs there, for people.
    pub(super) const fn expected(&self) -> &Cow<'static, str> {
        &self.expected
    }

    /// The words that are allowed, when they are few.
    pub(super) fn choices(&self) -> &[&'static str] {
        &self.choices
    }

    /// Reads a value.
    pub(super) fn read(&self, value: &DeValue<'_>) -> Result<T, Refusal> {
        (self.read)(value)
    }
}

/// A whole number.
pub(super) fn number<T: TryFrom<u64> + 'static>(range: RangeInclusive<u64>, unit: &str) -> Kind<T> {
    let expected = format!("a whole number{unit}, {} to {}", range.start(), range.end());
    Kind::new(expected, move |value| {
        let number = value.as_integer().and_then(|it| u64::from_str_radix(it.as_str(), it.radix()).ok());
        number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok()).ok_or(Refusal::Wrong)
    })
}

/// A size in bytes.
pub(super) fn bytes<T: TryFrom<u64> + 'static>(range: RangeInclusive<u64>) -> Kind<T> {
    number(range, " of bytes")
}

/// A duration in seconds.
pub(super) fn seconds(range: RangeInclusive<u64>) -> Kind<Duration> {
    map(number(range, " of seconds"), Duration::from_secs)
}

/// A duration in minutes.
pub(super) fn minutes(range: RangeInclusive<u64>) -> Kind<Duration> {
    map(number(range, " of minutes"), Duration::from_mins)
}

/// A duration in milliseconds.
pub(super) fn millis(range: RangeInclusive<u64>) -> Kind<Duration> {
    map(number(range, " of milliseconds"), Duration::from_millis)
}

fn map<S: 'static, T>(kind: Kind<S>, to: impl Fn(S) -> T + 'static) -> Kind<T> {
    let Kind { expected, choices, read } = kind;
    Kind { expected, choices, read: Box::new(move |value| read(value).map(&to)) }
}

/// `true` or `false`.
pub(super) fn boolean() -> Kind<bool> {
    Kind::new("true or false", |value| value.as_bool().ok_or(Refusal::Wrong))
}

/// One of a few words.
pub(super) fn choice<T: Copy + 'static>(words: &'static [(&'static str, T)]) -> Kind<T> {
    let choices: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
    let expected = choices.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
    let pick = |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    Kind { choices, ..Kind::text(expected, pick) }
}

/// A word that other machines compare: a claim, a scope, an `acr` value.
pub(super) fn word() -> Kind<String> {
    Kind::text("a word of 1 to 255 visible ASCII characters", |text| is_word(text).then(|| text.to_owned()))
}

/// At least one [`word`].
pub(super) fn list_of_words() -> Kind<Vec<String>> {
    texts("an array of at least one word of 1 to 255 visible ASCII characters", |text| {
        is_word(text).then(|| text.to_owned())
    })
}

fn is_word(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic() && c != b'"' && c != b'\\')
}

/// At least one kind of audit record.
pub(super) fn kinds() -> Kind<Vec<crate::audit::Kind>> {
    use crate::audit::Term as _;
    texts("an array of at least one kind of audit record, such as \"disclosure_outcome\"", crate::audit::Kind::find)
}

/// A text that people read.
pub(super) fn words(longest: usize) -> Kind<String> {
    let fits = move |text: &str| {
        let length = text.chars().count();
        (1..=longest).contains(&length) && text.trim() == text && !text.chars().any(char::is_control)
    };
    Kind::text(format!("a text of 1 to {longest} characters"), move |text| fits(text).then(|| text.to_owned()))
}

/// A telephone number as people write it.
pub(super) fn phone() -> Kind<String> {
    let plain = |c: u8| c.is_ascii_digit() || b" +-()".contains(&c);
    let fits = move |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        (3..=15).contains(&digits) && text.len() <= 24 && text.trim() == text && text.bytes().all(plain)
    };
    Kind::text("a telephone number such as 088 123 45 67", move |text| fits(text).then(|| text.to_owned()))
}

/// Texts that people read, at most so many.
pub(super) fn many_words(most: usize, longest: usize) -> Kind<Vec<String>> {
    let one = words(longest);
    Kind::new(format!("an array of at most {most} texts of 1 to {longest} characters"), move |value| {
        let array = value.as_array().filter(|array| array.len() <= most).ok_or(Refusal::Wrong)?;
        array.iter().map(|item| one.read(item.get_ref())).collect()
    })
}

/// A short name of the operator's choice.
pub(super) fn label(longest: usize) -> Kind<String> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let fits = move |text: &str| (1..=longest).contains(&text.len()) && text.bytes().all(plain);
    let expected = format!("a name of 1 to {longest} lower-case letters, digits and hyphens");
    Kind::text(expected, move |text| fits(text).then(|| text.to_owned()))
}

/// An address to listen on.
pub(super) fn address() -> Kind<SocketAddr> {
    Kind::text("an address with a port, such as 127.0.0.1:8441 or [::]:443", |text| text.parse().ok())
}

/// An address to listen on that only this machine reaches.
pub(super) fn loopback() -> Kind<SocketAddr> {
    Kind::text("a loopback address with a port, such as 127.0.0.1:8490", |text| {
        text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())
    })
}

/// An IP address.
pub(super) fn ip() -> Kind<IpAddr> {
    Kind::text("an IP address", |text| text.parse().ok())
}

/// At least one address or network.
pub(super) fn networks() -> Kind<Vec<IpNet>> {
    texts("an array of at least one IP address or network such as 10.20.0.0/24", |text| {
        let network: IpNet = text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| address.into()))?;
        // With bits behind its length it is a slip of the pen, of which nobody knows what was meant.
        (network.trunc() == network).then_some(network)
    })
}

/// A host name.
pub(super) fn host() -> Kind<Hostname> {
    Kind::text("a fully qualified host name in lower case", |text| Hostname::parse(text).ok())
}

/// At least one host name.
pub(super) fn hosts() -> Kind<Vec<Hostname>> {
    texts("an array of at least one fully qualified host name in lower case", |text| Hostname::parse(text).ok())
}

/// At least one origin.
pub(super) fn origins() -> Kind<Vec<Origin>> {
    texts("an array of at least one origin such as https://login.example, without path", Origin::parse)
}

/// An array of at least one text, each of which parses.
fn texts<T>(expected: impl Into<Cow<'static, str>>, parse: impl Fn(&str) -> Option<T> + 'static) -> Kind<Vec<T>> {
    Kind::new(expected, move |value| {
        let array = value.as_array().filter(|array| !array.is_empty()).ok_or(Refusal::Wrong)?;
        array.iter().map(|item| item.get_ref().as_str().and_then(&parse).ok_or(Refusal::Wrong)).collect()
    })
}

/// The public key of a witness that cosigns.
pub(super) fn cosigner_key() -> Kind<CosignerKey> {
    let expected = "the public key of a witness: name+8 hexadecimal digits+base64, of kind 4 (C2SP tlog-cosignature)";
    Kind::text(expected, |text| text.parse().ok())
}

/// Keys of logs that were replaced.
pub(super) fn retired_keys() -> Kind<Vec<RetiredKey>> {
    let expected = "an array of replaced keys, each as `inzage audit rotate-key` prints it";
    Kind::new(expected, move |value| {
        let array = value.as_array().ok_or(Refusal::Wrong)?;
        let parse = |text: &str| RetiredKey::parse(text).ok();
        array.iter().map(|item| item.get_ref().as_str().and_then(parse).ok_or(Refusal::Wrong)).collect()
    })
}

/// At least one care provider.
pub(super) fn providers() -> Kind<Vec<ProviderName>> {
    texts("an array of at least one provider name such as huisarts.delinde@medmij", |text| {
        ProviderName::parse(text).ok()
    })
}

/// At least one data service.
pub(super) fn services() -> Kind<Vec<ServiceId>> {
    texts("an array of at least one service id such as \"49\"", |text| ServiceId::parse(text).ok())
}

/// At least one address on the host of a client.
pub(super) fn redirect_uris(client: &Hostname) -> Kind<Vec<RedirectUri>> {
    let client = client.clone();
    let expected = format!("an array of at least one https URI on {client}, without query, fragment and dot segment");
    texts(expected, move |text| RedirectUri::parse(text, &client, true))
}

/// A care provider.
pub(super) fn provider() -> Kind<ProviderName> {
    let expected = "a provider name such as huisarts.delinde@medmij: at most 120 lower-case letters, digits, dots and \
                    hyphens, the first and last before @medmij a letter or digit";
    Kind::text(expected, |text| ProviderName::parse(text).ok())
}

/// A day, as a TOML date or as a text.
pub(super) fn date() -> Kind<Date> {
    Kind::new("a day such as 2020-01-31", |value| match value {
        DeValue::String(text) if text.len() == 10 => text.parse().map_err(|_| Refusal::Wrong),
        DeValue::Datetime(day) if day.time.is_none() && day.offset.is_none() => {
            day.to_string().parse().map_err(|_| Refusal::Wrong)
        }
        DeValue::String(_)
        | DeValue::Datetime(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Err(Refusal::Wrong),
    })
}

/// The origin of one of our own channels.
pub(super) fn origin() -> Kind<Origin> {
    url_kind("an origin such as https://inzage.example.nl, without path", Origin::parse)
}

/// The base URL of a HIS.
pub(super) fn base_url() -> Kind<HttpsUrl> {
    url_kind("an https URL without user, query and fragment", HttpsUrl::parse_base)
}

/// The issuer of an OpenID provider; every character of it counts.
pub(super) fn issuer() -> Kind<HttpsUrl> {
    url_kind("an https URL without user, query and fragment", |text| {
        HttpsUrl::parse(text).filter(|_| !text.contains('?'))
    })
}

/// An address that a page links to.
pub(super) fn link() -> Kind<HttpsUrl> {
    url_kind("an https URL without user and fragment", HttpsUrl::parse)
}

/// The URL of a list.
pub(super) fn list_url() -> Kind<HttpsUrl> {
    url_kind("an https URL without user and fragment", HttpsUrl::parse)
}

/// A PostgreSQL server, without password.
pub(super) fn postgres_url() -> Kind<PostgresUrl> {
    let expected = "a URL such as postgres://inzage@db.example/inzage, without password, and with sslmode=disable for a \
                    server on this machine only";
    Kind::new(expected, move |value| {
        let text = value.as_str().ok_or(Refusal::Wrong)?;
        let user = text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map_or("", |(user, _)| user);
        if user.contains(':') || text.contains("password") {
            return Err(Refusal::Secret);
        }
        PostgresUrl::parse(text).map_err(|_| Refusal::Wrong)
    })
}

fn url_kind<T>(expected: &'static str, parse: impl Fn(&str) -> Option<T> + 'static) -> Kind<T> {
    Kind::new(expected, move |value| {
        let text = value.as_str().ok_or(Refusal::Wrong)?;
        parse(text).ok_or(if text.contains('@') { Refusal::Secret } else { Refusal::Wrong })
    })
}

/// The path of a file or folder.
pub(super) fn path(expected: &'static str) -> Kind<PathBuf> {
    path_unless(expected, |text| text.contains("-----BEGIN"))
}

/// The path of a file with a secret in it, and not the secret itself.
pub(super) fn path_of_secret(expected: &'static str) -> Kind<PathBuf> {
    path_unless(expected, looks_like_a_secret)
}

fn path_unless(expected: &'static str, secret: impl Fn(&str) -> bool + 'static) -> Kind<PathBuf> {
    Kind::new(expected, move |value| {
        let text = value.as_str().ok_or(Refusal::Wrong)?;
        if secret(text) {
            return Err(Refusal::Secret);
        }
        if text.is_empty() || text.chars().any(char::is_control) { Err(Refusal::Wrong) } else { Ok(text.into()) }
    })
}

/// PEM, 32 bytes in base64, and long words without any mark of a path.
fn looks_like_a_secret(text: &str) -> bool {
    let long_word = text.len() >= 20 && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+=_-".contains(&c));
    let random_key = text.len() == 44 && text.ends_with('=') && STANDARD.decode(text).is_ok();
    text.contains("-----BEGIN") || long_word || random_key
}
