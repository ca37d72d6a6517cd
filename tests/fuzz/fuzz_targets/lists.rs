//! The four lists, from any bytes: what is read is written and read to the same list; no bytes are two kinds of list.

#![no_main]

use inzage::lists::{
    ClientEntry, EndpointUri, Gnl, NameEntry, Ocl, Provider, ProviderEntry, Reading, RoleEntry, ServiceEntry,
    SubscriptionEntry, VersionEntry, Whl, Zal, ZalService, write_gnl, write_ocl, write_whl, write_zal,
};
use libfuzzer_sys::fuzz_target;

fn text(uri: Option<&EndpointUri>) -> Option<String> {
    uri.map(|uri| uri.as_str().to_owned())
}

fn service_entry(service: &ZalService) -> ServiceEntry {
    ServiceEntry {
        id: service.id().as_str().to_owned(),
        authorization: text(service.authorization()),
        token: text(service.token()),
        subscription: service.subscription().map(|subscription| SubscriptionEntry {
            max_days: subscription.max_days(),
            endpoint: subscription.endpoint().as_str().to_owned(),
        }),
        roles: service
            .roles()
            .iter()
            .map(|role| RoleEntry {
                role: role.role().as_str().to_owned(),
                endpoint: role.endpoint().as_str().to_owned(),
            })
            .collect(),
    }
}

fn provider_entry(provider: &Provider) -> ProviderEntry {
    ProviderEntry {
        name: provider.name().as_str().to_owned(),
        kind: provider.kind().as_str().to_owned(),
        versions: provider
            .interface_versions()
            .map(|id| VersionEntry {
                id: id.as_str().to_owned(),
                services: provider.services(id.as_str()).iter().map(service_entry).collect(),
            })
            .collect(),
    }
}

fn zal(bytes: &[u8], reading: Reading) -> bool {
    let Ok(zal) = Zal::parse(bytes, reading) else { return false };
    let providers: Vec<_> = zal.providers().iter().map(provider_entry).collect();
    let again = Zal::parse(write_zal(zal.header(), &providers).as_bytes(), reading);
    assert_eq!(again.as_ref(), Ok(&zal));
    assert!(zal.providers().iter().all(|provider| zal.provider(provider.name().as_str()) == Some(provider)));
    true
}

fn ocl(bytes: &[u8], reading: Reading) -> bool {
    let Ok(ocl) = Ocl::parse(bytes, reading) else { return false };
    let entries = ocl.clients().iter().map(|client| ClientEntry {
        hostname: client.hostname().as_str().to_owned(),
        organisation: client.organisation().to_owned(),
    });
    let again = Ocl::parse(write_ocl(ocl.header(), &entries.collect::<Vec<_>>()).as_bytes(), reading);
    assert_eq!(again.as_ref(), Ok(&ocl));
    true
}

fn whl(bytes: &[u8], reading: Reading) -> bool {
    let Ok(whl) = Whl::parse(bytes, reading) else { return false };
    let hosts: Vec<_> = whl.hosts().map(|host| host.as_str().to_owned()).collect();
    assert_eq!(Whl::parse(write_whl(whl.header(), &hosts).as_bytes(), reading).as_ref(), Ok(&whl));
    assert!(whl.hosts().all(|host| whl.contains(host)));
    true
}

fn gnl(bytes: &[u8], reading: Reading) -> bool {
    let Ok(gnl) = Gnl::parse(bytes, reading) else { return false };
    let entry = |(id, name): (&inzage::medmij::ServiceId, &str)| NameEntry {
        service: id.as_str().to_owned(),
        name: name.to_owned(),
    };
    let entries: Vec<_> = gnl.names().map(entry).collect();
    assert_eq!(Gnl::parse(write_gnl(gnl.header(), &entries).as_bytes(), reading).as_ref(), Ok(&gnl));
    true
}

fuzz_target!(|bytes: &[u8]| {
    for allow_ports in [false, true] {
        let reading = Reading { allow_ports };
        let kinds = [zal(bytes, reading), ocl(bytes, reading), whl(bytes, reading), gnl(bytes, reading)];
        assert!(kinds.into_iter().filter(|read| *read).count() <= 1);
    }
});
