//! The lists, from any bytes: what is read is written and read to the same list; no bytes are two kinds of list, and the
//! reader that tells the kind by itself agrees with the one that is told.

#![no_main]

use inzage::lists::{
    AnyList, ClientEntry, Gnl, NameEntry, Ocl, ProviderEntry, Reading, Whl, Zakl, Zal, write_gnl, write_ocl, write_whl,
    write_zal,
};
use libfuzzer_sys::fuzz_target;

fn zal(list: &Zal, reading: Reading) {
    let again = Zal::parse(write_zal(list.header(), &ProviderEntry::all(list)).as_bytes(), reading);
    assert_eq!(again.as_ref(), Ok(list));
    assert!(list.providers().iter().all(|provider| list.provider(provider.name().as_str()) == Some(provider)));
}

fn ocl(list: &Ocl, reading: Reading) {
    let again = Ocl::parse(write_ocl(list.header(), &ClientEntry::all(list)).as_bytes(), reading);
    assert_eq!(again.as_ref(), Ok(list));
}

fn whl(list: &Whl, reading: Reading) {
    let hosts: Vec<_> = list.hosts().map(|host| host.as_str().to_owned()).collect();
    assert_eq!(Whl::parse(write_whl(list.header(), &hosts).as_bytes(), reading).as_ref(), Ok(list));
    assert!(list.hosts().all(|host| list.contains(host)));
}

fn gnl(list: &Gnl, reading: Reading) {
    let again = Gnl::parse(write_gnl(list.header(), &NameEntry::all(list)).as_bytes(), reading);
    assert_eq!(again.as_ref(), Ok(list));
}

/// Nothing writes a ZAKL; every number in it must lead back to its provider.
fn zakl(list: &Zakl) {
    for provider in list.providers() {
        for number in provider.identifiers() {
            assert!(list.names(number.kind(), number.number()).any(|name| name == provider.name()));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for allow_ports in [false, true] {
        let reading = Reading { allow_ports, ..Reading::default() };
        let told = [
            Zal::parse(bytes, reading).ok().map(AnyList::Zal),
            Ocl::parse(bytes, reading).ok().map(AnyList::Ocl),
            Whl::parse(bytes, reading).ok().map(AnyList::Whl),
            Gnl::parse(bytes, reading).ok().map(AnyList::Gnl),
            Zakl::parse(bytes, reading).ok().map(AnyList::Zakl),
        ];
        let mut read = told.into_iter().flatten();
        let list = read.next();
        assert!(read.next().is_none());
        assert_eq!(AnyList::parse(bytes, reading).ok(), list);
        let Some(list) = list else { continue };
        assert_eq!(list.since(&list), Some(Vec::new()));
        match &list {
            AnyList::Zal(list) => zal(list, reading),
            AnyList::Ocl(list) => ocl(list, reading),
            AnyList::Whl(list) => whl(list, reading),
            AnyList::Gnl(list) => gnl(list, reading),
            AnyList::Zakl(list) => zakl(list),
        }
    }
});
