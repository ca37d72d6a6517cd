//! What is written is read back, in any shape and at full size.

use proptest::prelude::*;

use super::super::*;

fn header() -> impl Strategy<Value = ListHeader> {
    (0_i64..4_102_444_800, 1_u64..).prop_map(|(second, sequence)| ListHeader {
        timestamp: jiff::Timestamp::from_second(second).unwrap(),
        sequence,
    })
}

fn host() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9-]{0,9}(\\.[a-z0-9][a-z0-9-]{0,5}){0,2}\\.[a-z]{2,6}"
}

fn uri() -> impl Strategy<Value = String> {
    (host(), "(/[a-zA-Z0-9~_&'()*+,;=:@-]{1,6}){0,3}").prop_map(|(host, path)| format!("https://{host}{path}"))
}

fn screen_name() -> impl Strategy<Value = String> {
    "[ -~é€]{3,50}"
}

fn unique<T: std::fmt::Debug>(
    item: impl Strategy<Value = T>,
    key: fn(&T) -> &str,
    size: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(item, size).prop_map(move |mut items| {
        let mut seen = std::collections::HashSet::new();
        items.retain(|item| seen.insert(key(item).to_owned()));
        items
    })
}

fn provider_entry() -> impl Strategy<Value = ProviderEntry> {
    let role = ("[A-Z0-9.-]{1,30}", uri()).prop_map(|(role, endpoint)| RoleEntry { role, endpoint });
    let subscription = (1_u64.., uri()).prop_map(|(max_days, endpoint)| SubscriptionEntry { max_days, endpoint });
    let service = (
        "[0-9]{1,3}",
        proptest::option::of(uri()),
        proptest::option::of(uri()),
        proptest::option::of(subscription),
        unique(role, |role| &role.role, 1..3),
    )
        .prop_map(|(id, authorization, token, subscription, roles)| ServiceEntry {
            id,
            authorization,
            token,
            subscription,
            roles,
        });
    let version = ("[0-9.]{1,5}", unique(service, |service| &service.id, 1..12))
        .prop_map(|(id, services)| VersionEntry { id, services });
    let kind = prop_oneof![Just("ZA".to_owned()), Just("BAZB".to_owned()), "[A-Z]{1,8}"];
    ("[a-z][a-z.-]{0,20}[a-z]@medmij", kind, unique(version, |version| &version.id, 1..3))
        .prop_map(|(name, kind, versions)| ProviderEntry { name, kind, versions })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_written_zal_is_read_back(
        header in header(),
        providers in unique(provider_entry(), |provider| &provider.name, 0..12),
    ) {
        let zal = Zal::parse(write_zal(header, &providers).as_bytes(), Reading::default()).unwrap();
        prop_assert_eq!(zal.header(), header);
        prop_assert_eq!(ProviderEntry::all(&zal), providers.clone());
        for provider in &providers {
            let found = zal.provider(&provider.name).map(ProviderEntry::from);
            prop_assert_eq!(found.as_ref(), Some(provider));
        }
    }

    #[test]
    fn a_written_ocl_is_read_back(
        header in header(),
        clients in unique(
            (host(), screen_name()).prop_map(|(hostname, organisation)| ClientEntry { hostname, organisation }),
            |client| &client.hostname,
            0..12,
        ),
    ) {
        let ocl = Ocl::parse(write_ocl(header, &clients).as_bytes(), Reading::default()).unwrap();
        prop_assert_eq!(ocl.header(), header);
        prop_assert_eq!(ClientEntry::all(&ocl), clients);
    }

    #[test]
    fn a_written_whl_is_read_back(header in header(), hosts in unique(host(), String::as_str, 0..12)) {
        let whl = Whl::parse(write_whl(header, &hosts).as_bytes(), Reading::default()).unwrap();
        prop_assert_eq!(whl.header(), header);
        prop_assert_eq!(whl.hosts().map(|host| host.as_str().to_owned()).collect::<Vec<_>>(), hosts);
    }

    #[test]
    fn a_written_gnl_is_read_back(
        header in header(),
        names in unique(
            ("[0-9]{1,3}", screen_name()).prop_map(|(service, name)| NameEntry { service, name }),
            |entry| &entry.service,
            0..12,
        ),
    ) {
        let gnl = Gnl::parse(write_gnl(header, &names).as_bytes(), Reading::default()).unwrap();
        prop_assert_eq!(gnl.header(), header);
        prop_assert_eq!(NameEntry::all(&gnl), names);
    }
}
