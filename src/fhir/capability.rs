//! `/metadata`: what a practice's service allows, in the words of FHIR (STU3 and R4 capabilitystatement.html), written from the
//! catalogue. It tells nothing about anybody, so it needs no token and leaves no record in the audit; it is counted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::{ReadError, Reader};
use super::request::{Allow, Asked, Format, RequestError, Verb, format_of};
use super::xml;
use crate::availability::dutch_today;
use crate::medmij::{FhirVersion, ProviderName};
use crate::practices::Practice;
use crate::practices::golive::Stage;
use crate::routing::{Caller, Route, Snapshot, resource_base};
use crate::services::{AllowedSearch, Operation, Parameter, Service, Values};

/// The segment after a base.
pub const METADATA: &str = "metadata";

/// A capability statement, written.
#[derive(Debug)]
pub struct Capabilities {
    /// The body.
    pub body: Vec<u8>,
    /// How it is written.
    pub format: Format,
}

impl Reader {
    /// What is allowed at this base. Where nothing is served the answer is that of an address that does not exist.
    ///
    /// # Errors
    /// When nothing is served here, or not by this method, or not in this format.
    pub fn capabilities(
        &self,
        caller: Caller<'_>,
        route: Route<'_>,
        asked: Asked<'_>,
    ) -> Result<Capabilities, ReadError> {
        let (snapshot, now) = (self.snapshot.load(), self.clock.now());
        let (practice, service) = served(&snapshot, caller, route, now).ok_or(ReadError::NoRoute)?;
        if asked.verb != Verb::Get {
            return Err(ReadError::Request(RequestError::Method(Allow::GET)));
        }
        let format = format_of(asked, service.fhir).map_err(ReadError::Request)?;
        let base = resource_base(&self.origin, &practice.provider, &service.id, service.fhir);
        let statement = of_service(service, &base, now).to_string().into_bytes();
        let body = match format {
            Format::Json => statement,
            // What we wrote ourselves is FHIR, so this does not fail; if it did, there would be no such format.
            Format::Xml => {
                xml::to_xml(&statement, service.fhir).map_err(|_| ReadError::Request(RequestError::NotAcceptable))?
            }
        };
        Ok(Capabilities { body, format })
    }
}

/// A practice of ours that has begun with this service and gives it. What is for portals only is there for the portals that are
/// registered for it.
fn served<'a>(
    snapshot: &'a Snapshot,
    caller: Caller<'_>,
    route: Route<'_>,
    now: Timestamp,
) -> Option<(&'a Practice, &'a Service)> {
    let provider = ProviderName::parse_short(route.provider).ok()?;
    let practice = snapshot.practices.practice(provider.as_str())?;
    let service = snapshot.services.service(route.service).filter(|service| service.fhir == route.version)?;
    let may = |name| {
        snapshot.clients.portals().any(|(id, portal)| {
            snapshot.clients.may_act(name, id)
                && portal.scope.has_practice(&provider)
                && portal.scope.has_service(&service.id)
        })
    };
    let visible = service.is_for_everyone() || caller.names.iter().any(may);
    let begun = *snapshot.stages.in_force(practice, &service.id).stage() != Stage::Closed;
    (visible && begun && snapshot.gives(provider.as_str(), service, now)).then_some((practice, service))
}

/// The statement of a service under this base.
fn of_service(service: &Service, base: &str, now: Timestamp) -> Value {
    let is_stu3 = service.fhir == FhirVersion::Stu3;
    let profiles: Vec<_> = profiles(service).map(|url| json!({"reference": url})).collect();
    object([
        ("resourceType", Some(json!("CapabilityStatement"))),
        ("status", Some(json!("active"))),
        ("date", Some(json!(dutch_today(now).to_string()))),
        ("kind", Some(json!("instance"))),
        ("instantiates", unless_empty(&service.instantiates)),
        ("software", Some(json!({"name": "Inzage"}))),
        ("implementation", Some(json!({"description": service.name, "url": base}))),
        ("fhirVersion", Some(json!(if is_stu3 { "3.0.2" } else { "4.0.1" }))),
        // R4 has no such element. It is about what stands in resources: unknown parameters are refused.
        ("acceptUnknown", is_stu3.then(|| json!("both"))),
        ("format", Some(json!(Format::served().map(Format::name).collect::<Vec<_>>()))),
        ("profile", unless_empty(&profiles).filter(|_| is_stu3)),
        ("rest", Some(json!([rest(service)]))),
    ])
}

/// An object without the members that have no value: FHIR knows no empty arrays.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

fn unless_empty<T: serde::Serialize>(values: &[T]) -> Option<Value> {
    (!values.is_empty()).then(|| json!(values))
}

fn profiles(service: &Service) -> impl Iterator<Item = &String> {
    service.submission.iter().flat_map(|sent| &sent.entries).flat_map(|entry| &entry.profiles)
}

fn rest(service: &Service) -> Value {
    let types: BTreeSet<&str> = types(service).collect();
    let resources: Vec<_> = types.into_iter().map(|kind| resource(service, kind)).collect();
    let stu3 = |(name, url): &(String, String)| json!({"name": name, "definition": {"reference": url}});
    let operations: Vec<_> = operations(service).iter().map(stu3).collect();
    object([
        ("mode", Some(json!("server"))),
        (
            "security",
            Some(json!({"description": "An access token of this gateway, over mutual TLS (RFC 6750, RFC 8705)."})),
        ),
        ("resource", unless_empty(&resources)),
        ("interaction", service.submission.as_ref().map(|sent| json!([{"code": sent.kind.as_str()}]))),
        // In R4 each stands with its resource.
        ("operation", unless_empty(&operations).filter(|_| service.fhir == FhirVersion::Stu3)),
    ])
}

fn types(service: &Service) -> impl Iterator<Item = &str> {
    let searched = service.searches.iter().map(|search| search.resource.as_str());
    let read = service.reads.iter().map(|read| read.resource.as_str());
    let sent = service.submission.iter().flat_map(|sent| &sent.entries).map(|entry| entry.resource.as_str());
    searched.chain(read).chain(sent)
}

/// Names and definitions of the operations, each once.
fn operations(service: &Service) -> BTreeSet<(String, String)> {
    let searches = service.searches.iter().filter_map(|search| Some((&search.resource, search.operation?)));
    let written = |(resource, operation): (&String, Operation)| {
        let name = operation.as_str().trim_start_matches('$').to_owned();
        let url = format!("http://hl7.org/fhir/OperationDefinition/{resource}-{name}");
        (name, url)
    };
    searches.map(written).collect()
}

fn resource(service: &Service, kind: &str) -> Value {
    let is_r4 = service.fhir == FhirVersion::R4;
    let searches: Vec<_> = service.searches_of(kind).collect();
    let includes: BTreeSet<_> = searches.iter().flat_map(|search| includes(search)).collect();
    let sent = service.submission.iter().flat_map(|sent| &sent.entries).filter(|entry| entry.resource == kind);
    let profiles: Vec<_> = sent.flat_map(|entry| &entry.profiles).collect();
    let operations: Vec<_> = operations(service)
        .into_iter()
        .filter(|(name, url)| url.ends_with(&format!("/{kind}-{name}")))
        .map(|(name, url)| json!({"name": name, "definition": url}))
        .collect();
    object([
        ("type", Some(json!(kind))),
        ("supportedProfile", unless_empty(&profiles).filter(|_| is_r4)),
        ("interaction", unless_empty(&interactions(service, kind, &searches))),
        ("searchInclude", unless_empty(&includes.into_iter().collect::<Vec<_>>())),
        ("searchParam", unless_empty(&parameters(&searches))),
        ("operation", unless_empty(&operations).filter(|_| is_r4)),
    ])
}

/// STU3 wants at least one; the text says where it is narrower than its code.
fn interactions(service: &Service, kind: &str, searches: &[&AllowedSearch]) -> Vec<Value> {
    let mut found = Vec::new();
    if searches.iter().any(|search| search.operation.is_none()) {
        found.push(json!({"code": "search-type"}));
    } else if !searches.is_empty() {
        found.push(json!({"code": "search-type", "documentation": "only by the operation"}));
    }
    if let Some(read) = service.read_of(kind) {
        let listed = format!("only of what a search of {} shows", read.listed_by);
        found.push(json!({"code": "read", "documentation": listed}));
    }
    let sent = service.submission.iter().find(|sent| sent.entries.iter().any(|entry| entry.resource == kind));
    if let Some(submission) = sent {
        let within = format!("only as an entry of a {}", submission.kind.as_str());
        found.push(json!({"code": "create", "documentation": within}));
    }
    found
}

fn includes(search: &AllowedSearch) -> impl Iterator<Item = &String> {
    search.parameter("_include").into_iter().flat_map(|parameter| match &parameter.values {
        Values::OneOf(values) | Values::AnyOf(values) => values.as_slice(),
        Values::Date { .. } | Values::Count { .. } => &[],
    })
}

/// Every parameter of a type once, with what each search of the type allows.
fn parameters(searches: &[&AllowedSearch]) -> Vec<Value> {
    let all = || searches.iter().flat_map(|search| search.parameters.iter().map(move |parameter| (search, parameter)));
    let names: BTreeSet<_> = all().map(|(_, parameter)| parameter.name.as_str()).collect();
    let one = |name: &str| {
        let here: Vec<_> = all().filter(|(_, parameter)| parameter.name == name).collect();
        let texts: BTreeSet<_> = here.iter().map(|(search, parameter)| text(search, parameter)).collect();
        let kind = here.first().map_or("token", |(_, parameter)| kind_of(&parameter.values));
        let definition = here.iter().find_map(|(_, parameter)| parameter.definition.as_ref());
        object([
            ("name", Some(json!(name))),
            ("definition", definition.map(|url| json!(url))),
            ("type", Some(json!(kind))),
            ("documentation", Some(json!(texts.into_iter().collect::<Vec<_>>().join("; ")))),
        ])
    };
    names.into_iter().filter(|name| *name != "_include").map(one).collect()
}

/// The type of a search parameter (FHIR R4 search.html, 3.1.1.4).
const fn kind_of(values: &Values) -> &'static str {
    match values {
        Values::OneOf(_) | Values::AnyOf(_) => "token",
        Values::Date { .. } => "date",
        Values::Count { .. } => "number",
    }
}

fn text(search: &AllowedSearch, parameter: &Parameter) -> String {
    let values = match &parameter.values {
        Values::OneOf(values) => format!("one of {}", values.join(" ")),
        Values::AnyOf(values) => format!("one or more, with commas, of {}", values.join(" ")),
        Values::Date { prefixes, .. } => format!("a date with one of the prefixes {}", prefixes.join(" ")),
        Values::Count { most } => format!("how many results on a page, at most {most}"),
    };
    let needed = if parameter.required { "required" } else { "optional" };
    let operation = search.operation.map(|operation| format!("{}: ", operation.as_str())).unwrap_or_default();
    format!("{operation}{needed}, {values}")
}

#[cfg(test)]
mod tests;
