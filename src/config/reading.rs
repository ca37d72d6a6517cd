//! How lists are read: the points that the framework leaves open, with what was last published as default.

use toml::de::DeValue;

use super::kind::{Kind, Refusal, boolean, number};
use super::log::Read;
use super::section::Section;
use crate::lists::{InterfaceVersion, Reading, Schema, Schemas};
use crate::medmij::ProviderName;
use crate::routing::INTERFACE_VERSION;

/// What the current releases use: all that are read, save the ZAL of 1.0 and 1.1, which offers nothing in an interface version.
fn current() -> Schemas {
    Schema::ALL.into_iter().filter(|schema| *schema != Schema::ZalRelease2).collect()
}

/// The keys of `[lists]` that are about reading.
pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Reading> {
    let longest = u64::try_from(ProviderName::LONGEST).unwrap_or(u64::MAX);
    let allow_ports = section.or_default("allow_ports", &boolean(), false);
    let schemas = section.or_default("namespaces", &namespaces(), current());
    let provider_name_max = section.or_default("provider_name_max", &number(10..=longest, " of characters"), 57);
    Ok(Reading {
        allow_ports: allow_ports?,
        schemas: schemas?,
        provider_name_max: provider_name_max?,
        ..Reading::default()
    })
}

/// The interface versions in which services are served.
pub(super) fn interface_versions(section: &mut Section<'_, '_>) -> Read<Vec<InterfaceVersion>> {
    let default = InterfaceVersion::parse(INTERFACE_VERSION).into_iter().collect();
    section.or_default("interface_versions", &versions(), default)
}

fn versions() -> Kind<Vec<InterfaceVersion>> {
    Kind::new("an array of 1 to 8 interface versions such as \"2\"", |value| {
        let array = value.as_array().filter(|array| (1..=8).contains(&array.len())).ok_or(Refusal::Wrong)?;
        let version = |item: &DeValue<'_>| item.as_str().and_then(|text| InterfaceVersion::parse(text).ok());
        array.iter().map(|item| version(item.get_ref()).ok_or(Refusal::Wrong)).collect()
    })
}

/// Namespaces that there is a reader for.
fn namespaces() -> Kind<Schemas> {
    let known: Vec<_> = Schema::ALL.into_iter().map(|schema| format!("{:?}", schema.namespace())).collect();
    Kind::new(format!("an array of namespaces, each one of {}", known.join(", ")), |value| {
        let array = value.as_array().filter(|array| !array.is_empty()).ok_or(Refusal::Wrong)?;
        let schema =
            |item: &DeValue<'_>| Schema::ALL.into_iter().find(|known| item.as_str() == Some(known.namespace()));
        array.iter().map(|item| schema(item.get_ref()).ok_or(Refusal::Wrong)).collect()
    })
}
