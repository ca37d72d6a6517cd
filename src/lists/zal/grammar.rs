//! The grammars of the list of care providers.

use super::super::error::{BadValue, ListError};
use super::super::unique::Unique;
use super::super::uri::EndpointUri;
use super::super::value::{InterfaceVersion, positive, provider_name};
use super::super::xml::{Least, Xml};
use super::{Provider, ProviderKind, RoleEndpoint, Subscription, Version, ZalService};
use crate::medmij::{ProviderName, ServiceId, SystemRole};

/// What the list is from 1.3 on: a kind of provider, and services by interface version.
pub(super) fn release3(xml: &mut Xml<'_>) -> Result<Unique<Provider>, ListError> {
    xml.many(("Zorgaanbieders", "Zorgaanbieder"), Least::Zero, |xml| {
        let longest = xml.reading().provider_name_max;
        Ok(Provider {
            name: xml.value("Zorgaanbiedernaam", |text| provider_name(text, longest))?,
            kind: xml.value("Aanbiedertype", ProviderKind::parse)?,
            versions: xml.many(("Interfaceversies", "Interfaceversie"), Least::One, version)?,
        })
    })
}

/// What the list was up to 1.1: every provider treats people, and its services stand directly under it. They are given as
/// those of interface version [`InterfaceVersion::OF_RELEASE_2`].
pub(super) fn release2(xml: &mut Xml<'_>) -> Result<Unique<Provider>, ListError> {
    xml.many(("Zorgaanbieders", "Zorgaanbieder"), Least::Zero, |xml| {
        let name = xml.value("Zorgaanbiedernaam", name_of_release2)?;
        let services = xml.many(("Gegevensdiensten", "Gegevensdienst"), Least::One, service_of_release2)?;
        let versions = Unique::of(Version { id: InterfaceVersion::of_release2(), services });
        Ok(Provider { name, kind: ProviderKind::CareProvider, versions })
    })
}

/// The pattern of release 2: 10 to 57 characters, letters only before `@medmij`.
fn name_of_release2(text: &str) -> Result<ProviderName, BadValue> {
    if !(10..=57).contains(&text.chars().count()) {
        return Err(BadValue::Length { min: 10, max: 57 });
    }
    let name = ProviderName::parse(text)?;
    let letters = name.short().bytes().all(|c| c.is_ascii_lowercase());
    if letters { Ok(name) } else { Err(BadValue::Characters) }
}

fn version(xml: &mut Xml<'_>) -> Result<Version, ListError> {
    Ok(Version {
        id: xml.value("InterfaceversieId", InterfaceVersion::parse)?,
        services: xml.many(("Gegevensdiensten", "Gegevensdienst"), Least::One, service)?,
    })
}

fn service(xml: &mut Xml<'_>) -> Result<ZalService, ListError> {
    let id = xml.value("GegevensdienstId", ServiceId::parse)?;
    let authorization = xml.optional("AuthorizationEndpoint", authorization)?;
    let token = xml.optional("TokenEndpoint", token)?;
    let subscription = xml.optional("Abonneren", subscription)?;
    let roles = xml.many(("Systeemrollen", "Systeemrol"), Least::One, role)?;
    Ok(ZalService { id, authorization, token, subscription, roles })
}

fn service_of_release2(xml: &mut Xml<'_>) -> Result<ZalService, ListError> {
    let id = xml.value("GegevensdienstId", ServiceId::parse)?;
    let authorization = Some(xml.within("AuthorizationEndpoint", authorization)?);
    let token = Some(xml.within("TokenEndpoint", token)?);
    let roles = xml.many(("Systeemrollen", "Systeemrol"), Least::One, role)?;
    Ok(ZalService { id, authorization, token, subscription: None, roles })
}

fn authorization(xml: &mut Xml<'_>) -> Result<EndpointUri, ListError> {
    xml.front_channel("AuthorizationEndpointuri")
}

fn token(xml: &mut Xml<'_>) -> Result<EndpointUri, ListError> {
    xml.back_channel("TokenEndpointuri")
}

fn subscription(xml: &mut Xml<'_>) -> Result<Subscription, ListError> {
    Ok(Subscription {
        max_days: xml.value("MaximaleDuur", positive)?,
        endpoint: xml.back_channel("SubscriptionEndpointuri")?,
    })
}

fn role(xml: &mut Xml<'_>) -> Result<RoleEndpoint, ListError> {
    Ok(RoleEndpoint {
        role: xml.value("Systeemrolcode", SystemRole::parse)?,
        endpoint: xml.within("ResourceEndpoint", |xml| xml.back_channel("ResourceEndpointuri"))?,
    })
}
