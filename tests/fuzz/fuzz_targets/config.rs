//! Configuration files and service catalogues of any text: whole, or refused with faults that can be shown.

#![no_main]

use std::path::Path;

use inzage::config::Config;
use inzage::services::Catalogue;
use libfuzzer_sys::fuzz_target;

const PATH: &str = "/etc/inzage/inzage.toml";

fuzz_target!(|text: &str| {
    let _ = Catalogue::parse(text);
    match Config::parse(Path::new(PATH), text.to_owned()) {
        Ok(config) => {
            let parts = &*config;
            assert!(!parts.his.is_empty() && !parts.practices.is_empty());
            let is_known = |his: &str| parts.his.iter().any(|known| known.id == his);
            assert!(parts.practices.iter().all(|practice| is_known(&practice.his)));
            // One line of the log each.
            assert!(config.redacted_summary().iter().all(|(_, value)| !value.contains('\n')));
        }
        Err(faults) => {
            assert!(!faults.faults().is_empty());
            let lines = text.split('\n').count();
            for place in faults.faults().iter().filter_map(|fault| fault.place()) {
                assert!((1..=lines).contains(&place.line) && place.column >= 1);
            }
            let _ = (faults.render(false), faults.render(true));
        }
    }
});
