//! The year is the same for the same seed, in order by the register's own rules, and told as it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::audit::testing::Scratch;
use crate::audit::{Keyring, Record, Years, read_dir, verify};
use crate::practices::programme::{PATIENTS_MIN, breaches};
use crate::secret::Secret;

fn plan(seed: u64) -> Plan {
    Plan { seed, until: date(2026, 11, 22), events: 20_000, practices: 200 }
}

fn keyring() -> Keyring {
    let mut years = Years::default();
    for year in [2025, 2026] {
        years.add_pseudonym_key(year, &Secret::new([1; 32]));
        years.add_sealing_key(year, &Secret::new([2; 32]));
    }
    Keyring::new(years)
}

/// Each file of a year, by name.
fn written(programme: &Programme) -> (BTreeMap<String, Vec<u8>>, Vec<Record>) {
    let scratch = Scratch::new();
    let dir = scratch.path().join("audit");
    let records = programme.write_log(&dir, &keyring(), |_| {}).unwrap();
    programme.tell(scratch.path(), records).unwrap();
    assert_eq!(verify(&dir).unwrap().records, records);
    let files = [scratch.path(), &dir].into_iter().flat_map(|of| std::fs::read_dir(of).unwrap()).map(Result::unwrap);
    let files = files.filter(|entry| entry.path().is_file());
    let read = files.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
    let records = read_dir(&dir).unwrap().map(Result::unwrap);
    (read.collect(), records.map(|(index, payload)| Record::parse(index, &payload).unwrap()).collect())
}

#[test]
fn a_seed_is_a_year_byte_for_byte() {
    let (one, again) = (written(&Programme::draw(plan(1))).0, written(&Programme::draw(plan(1))).0);
    assert!(one.len() == 4 && one == again);
    assert_ne!(one, written(&Programme::draw(plan(2))).0);
}

#[test]
fn the_whole_country_is_in_order_and_has_its_size() {
    let programme = Programme::draw(Plan { events: 10_000, practices: Plan::PRACTICES, ..plan(Plan::SEED) });
    let register = programme.register();
    assert_eq!(breaches(register), []);
    assert_eq!((register.practices.len(), register.coalitions.len(), register.suppliers.len()), (4_718, 75, 5));
    assert_eq!(register.practices.values().map(|one| u64::from(one.patients)).sum::<u64>(), 17_000_000);
    assert_eq!(programme.country.market.pgos().count(), 8);
    let formed = register.coalitions.values().filter(|one| one.formed().is_some()).count();
    assert!(formed > 50 && register.coalitions.values().any(|one| one.finished.is_some()));
    assert!(register.coalitions.values().filter(|one| one.exception.is_some()).count() < 15, "{PATIENTS_MIN} is usual");
    let listed = programme.listed().providers.len();
    assert!((4_640..=4_700).contains(&listed), "{listed} of 4,718 are on the list");
}

#[test]
fn the_log_is_in_order_and_each_outcome_follows_its_intent() {
    let (_, records) = written(&Programme::draw(plan(1)));
    assert!((14_000..28_000).contains(&records.len()), "{}", records.len());
    assert!(records.windows(2).all(|two| two[0].time <= two[1].time));
    let mut open = HashMap::new();
    let mut failed = 0_u32;
    let mut ended = 0_u32;
    for record in &records {
        if record.outcome.as_str() == "intended" {
            open.insert(record.index, record.local_id);
        } else if let Some(intent) = record.intent {
            assert_eq!(open.remove(&intent), Some(record.local_id), "{record:?}");
        } else {
            assert_ne!(record.kind.as_str(), "disclosure_outcome");
        }
        if record.kind.as_str() == "disclosure_outcome" {
            ended += 1;
            failed += u32::from(record.outcome.as_str() == "failed");
        }
    }
    assert!(open.is_empty());
    assert!((10..60).contains(&(failed * 1_000 / ended)), "{failed} of {ended} failed");
}

#[test]
fn years_people_and_practices_meet_as_they_do_outside() {
    let programme = Programme::draw(plan(1));
    let (_, records) = written(&programme);
    let looked =
        records.iter().filter(|one| one.kind.as_str() == "disclosure_outcome" && one.outcome.as_str() == "done");
    let mut practices: HashMap<_, HashSet<_>> = HashMap::new();
    let mut years: HashMap<_, HashSet<_>> = HashMap::new();
    let ring = keyring();
    for record in looked {
        let bsn = ring.open(record.sealed.as_ref().unwrap()).unwrap().reveal().to_owned();
        practices.entry(bsn.clone()).or_default().insert(record.provider.clone());
        years.entry(bsn).or_default().insert(record.time.to_string()[..4].to_owned());
    }
    let share = |of: usize| of * 1_000 / practices.len();
    let two = practices.values().filter(|practices| practices.len() > 1).count();
    let both = years.values().filter(|years| years.len() > 1).count();
    assert!((1..40).contains(&share(two)), "{two} of {} look at two practices", practices.len());
    assert!(share(both) > 3, "{both} of {} look in both years", practices.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_seed_is_in_order(seed: u64, practices in 60_u32..400) {
        let programme = Programme::draw(Plan { practices, events: 5_000, ..plan(seed) });
        prop_assert_eq!(breaches(programme.register()), []);
        let mut faults: Vec<_> = programme.faults.iter().map(|fault| (fault.installation, fault.client)).collect();
        faults.sort_unstable();
        faults.dedup();
        prop_assert_eq!(faults.len(), 3);
    }
}
