//! What a request asks, as types. A request is read against the catalogue: what that does not name is refused here, before the
//! HIS is asked, also under `Prefer: handling=lenient`, because a filter that is silently dropped shows more than was asked
//! for. The patient comes from the token alone, so `patient`, `subject` and the like are parameters that no search has.
//!
//! The order of refusals: path, method, media type of the body, encoding, format of the answer, parameters.

mod date;
mod error;
mod format;
mod parameters;
mod path;
mod prefer;

pub use self::error::{Allow, RequestError};
pub use self::format::{Accept, Format, Media, of_refusal};
pub use self::prefer::{Prefer, Return};

use jiff::Timestamp;
use jiff::civil::Date;

use self::path::Target;
use crate::form::{decode_pairs, push_pair};
use crate::medmij::FhirVersion;
use crate::services::{AllowedRead, AllowedSearch, AllowedSubmission, Floor, Operation, Service};

/// Most bytes of a form that is sent to `_search`.
pub const FORM_MAX_BYTES: usize = 64 * 1024;

/// What a request asks by all but its path: borrowed, and nothing of it is decided yet.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub verb: Verb,
    /// The query, without the question mark.
    pub query: Option<&'a str>,
    /// The body, when it is a form that was read.
    pub form: Result<Option<&'a str>, FormFault>,
    /// What the client accepts.
    pub accept: Accept,
    /// The media type of the body.
    pub media: Media,
    /// What the client prefers.
    pub prefer: Prefer,
}

impl<'a> Asked<'a> {
    /// A search by GET that wants no format in particular.
    #[must_use]
    pub fn search(query: Option<&'a str>) -> Self {
        Self {
            verb: Verb::Get,
            query,
            form: Ok(None),
            accept: Accept::ANYTHING,
            media: Media::Other,
            prefer: Prefer::default(),
        }
    }
}

/// The method, as far as any service has a use for it. A HEAD asks for nothing that a GET does not tell, so it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// Anything else, and anything under `X-HTTP-Method-Override`.
    Other,
}

/// Why the form of a search could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Over [`FORM_MAX_BYTES`].
    #[error("the form is larger than 64 KiB")]
    TooLarge,
    /// Not UTF-8, or broken off.
    #[error("the form is no text")]
    NoText,
}

/// What is asked, inside the catalogue.
#[derive(Debug)]
pub struct Demand<'a> {
    /// The interaction.
    pub interaction: Interaction<'a>,
    /// In which format a resource is answered.
    pub format: Format,
}

/// An interaction that the service has.
#[derive(Debug)]
pub enum Interaction<'a> {
    /// A search, or an operation that searches.
    Search(SearchShape<'a>),
    /// A read by id.
    Read(ReadShape<'a>),
    /// A further page of a search.
    Page(PageShape<'a>),
    /// A bundle that is sent.
    Submit(SubmitShape<'a>),
}

/// A search that the service allows.
#[derive(Debug)]
pub struct SearchShape<'a> {
    /// The entry of the catalogue.
    pub search: &'a AllowedSearch,
    /// What the client asked, decoded, in its order; for the self link.
    pub asked: Vec<(String, String)>,
    /// What is asked of the HIS, without the patient.
    pub upstream: Vec<(String, String)>,
}

/// A read that the service allows.
#[derive(Debug)]
pub struct ReadShape<'a> {
    /// The entry of the catalogue.
    pub read: &'a AllowedRead,
    /// The id.
    pub id: String,
    /// Whether the client asks for the resource; without, a Binary is answered as the document that it holds
    /// (FHIR STU3 binary.html, 2.40.2).
    pub as_resource: bool,
}

/// A further page. The token says which; it is ours, and not yet checked.
#[derive(Debug)]
pub struct PageShape<'a> {
    /// The searches of this type.
    pub resource: &'a str,
    /// The value of `_page`.
    pub token: String,
    /// What the client asked, decoded, in its order; for the self link.
    pub asked: Vec<(String, String)>,
}

/// A bundle that the service takes. Its body is not yet read.
#[derive(Debug)]
pub struct SubmitShape<'a> {
    /// The entry of the catalogue.
    pub submission: &'a AllowedSubmission,
    /// The format of the body.
    pub format: Format,
    /// What the client wants back.
    pub wants: Return,
}

/// The dates that floors stand for on the day of the request.
#[derive(Debug, Clone, Copy)]
pub struct Floors {
    /// Today, Dutch time.
    pub today: Date,
    /// The first day of the period over which results are shown.
    pub results: Date,
}

impl Floors {
    const fn date(self, floor: Floor) -> Date {
        match floor {
            Floor::Today => self.today,
            Floor::Results => self.results,
        }
    }
}

/// Reads a request as an interaction of this service. The path is what follows the base, without a leading slash.
///
/// # Errors
/// A [`RequestError`] that says which part is outside the service.
pub fn parse<'a>(
    service: &'a Service,
    path: &str,
    asked: Asked<'_>,
    floors: Floors,
) -> Result<Demand<'a>, RequestError> {
    let target = path::parse(path)?;
    admit_method(service, target, asked.verb)?;
    match target {
        Target::Base => submit(service, asked),
        Target::Type(resource) | Target::Search(resource) => search(service, resource, None, asked, floors),
        Target::Operation(resource, operation) => search(service, resource, Some(operation), asked, floors),
        Target::Instance(resource, id) => read(service, resource, id, asked),
        Target::Nothing(_) => Err(RequestError::NotOffered),
    }
}

/// The path must offer the method. A GET where nothing is offered is told what there is not; any other method is told which
/// there are (RFC 9110 section 15.5.6).
fn admit_method(service: &Service, target: Target<'_>, verb: Verb) -> Result<(), RequestError> {
    let offered = target.offered(service);
    let allow = offered.unwrap_or(Allow::NOTHING);
    match verb {
        Verb::Get if allow.get => Ok(()),
        Verb::Post if allow.post => Ok(()),
        Verb::Get if !allow.post => Err(offered.err().unwrap_or(RequestError::NotOffered)),
        Verb::Get | Verb::Post | Verb::Other => Err(RequestError::Method(allow)),
    }
}

fn search<'a>(
    service: &'a Service,
    resource: &str,
    operation: Option<Operation>,
    asked: Asked<'_>,
    floors: Floors,
) -> Result<Demand<'a>, RequestError> {
    let pairs = pairs_of_search(asked)?;
    let format = format::of_answer(&pairs, asked.accept, service.fhir)?;
    let interaction = match parameters::page(service, resource, &pairs)? {
        Some(page) => Interaction::Page(page),
        None => Interaction::Search(parameters::search(service, resource, operation, pairs, floors)?),
    };
    Ok(Demand { interaction, format })
}

/// The parameters of the query, and those of the form behind them (FHIR STU3 http.html, 2.21.0.9.1).
fn pairs_of_search(asked: Asked<'_>) -> Result<Vec<(String, String)>, RequestError> {
    if asked.verb == Verb::Post && asked.media != Media::Form {
        return Err(RequestError::Media);
    }
    let query = asked.query.unwrap_or_default();
    Ok(match asked.form? {
        None => decode_pairs(query)?,
        Some(form) => decode_pairs(&[query, form].join("&"))?,
    })
}

fn read<'a>(service: &'a Service, resource: &str, id: &str, asked: Asked<'_>) -> Result<Demand<'a>, RequestError> {
    let read = service.read_of(resource).ok_or(RequestError::NotOffered)?;
    let pairs = decode_pairs(asked.query.unwrap_or_default())?;
    parameters::only_format(&pairs)?;
    let (format, as_resource) = match format::named(&pairs, service.fhir)? {
        Some(format) => (format, true),
        None if read.resource == "Binary" => asked.accept.of_binary()?,
        None => (asked.accept.of_resource()?, true),
    };
    Ok(Demand { interaction: Interaction::Read(ReadShape { read, id: id.to_owned(), as_resource }), format })
}

/// The format of an answer where nothing else may be asked.
///
/// # Errors
/// When another parameter stands there, or the format cannot be served.
pub(super) fn format_of(asked: Asked<'_>, version: FhirVersion) -> Result<Format, RequestError> {
    let pairs = decode_pairs(asked.query.unwrap_or_default())?;
    parameters::only_format(&pairs)?;
    format::of_answer(&pairs, asked.accept, version)
}

fn submit<'a>(service: &'a Service, asked: Asked<'_>) -> Result<Demand<'a>, RequestError> {
    let submission = service.submission.as_ref().ok_or(RequestError::NotOffered)?;
    let Media::Fhir(body) = asked.media else { return Err(RequestError::Media) };
    let pairs = decode_pairs(asked.query.unwrap_or_default())?;
    parameters::only_format(&pairs)?;
    let format = format::of_sent(&pairs, asked, service.fhir)?;
    let shape = SubmitShape { submission, format: body, wants: asked.prefer.wants };
    Ok(Demand { interaction: Interaction::Submit(shape), format })
}

impl PageShape<'_> {
    /// The client's own request under our base.
    #[must_use]
    pub fn self_link(&self, base: &str) -> String {
        with_query(format!("{base}/{}", self.resource), &self.asked)
    }
}

impl SearchShape<'_> {
    /// Writes the path of the search under a base: its type, and the operation.
    fn push_path(&self, out: &mut String) {
        out.push_str(&self.search.resource);
        if let Some(operation) = self.search.operation {
            out.push('/');
            out.push_str(operation.as_str());
        }
    }

    /// The client's own search under our base: a link that asks the same again.
    #[must_use]
    pub fn self_link(&self, base: &str) -> String {
        let mut link = String::with_capacity(base.len() + USUAL_SEARCH_BYTES);
        link.push_str(base);
        link.push('/');
        self.push_path(&mut link);
        with_query(link, &self.asked)
    }

    /// The moments that its `date` allows: from the first, before the last.
    #[must_use]
    pub fn span(&self) -> (Timestamp, Timestamp) {
        date::span(self.values("date"))
    }

    /// How many results are wanted on a page.
    #[must_use]
    pub fn count(&self) -> Option<u16> {
        self.values("_count").next()?.parse().ok()
    }

    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.upstream.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The search in the catalogue's words. Values come from closed sets or are dates, so no identifier can be in it.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut words = String::with_capacity(USUAL_SEARCH_BYTES);
        self.push_path(&mut words);
        with_query(words, &self.upstream)
    }
}

/// Most searches are shorter, so that one allocation holds what is written of them.
const USUAL_SEARCH_BYTES: usize = 192;

/// An address with these parameters behind it.
fn with_query(mut address: String, pairs: &[(String, String)]) -> String {
    if !pairs.is_empty() {
        address.push('?');
        pairs.iter().for_each(|(name, value)| push_pair(&mut address, name, value));
    }
    address
}

#[cfg(test)]
mod tests;
