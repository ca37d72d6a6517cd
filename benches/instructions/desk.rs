//! A whole request for data, with everything but its sockets: a HIS that answers at once, and an audit log in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use inzage::accesslog::AccessLog;
use inzage::audit::render::Site;
use inzage::audit::{AuditReceipt, Counts, Keyring, MemoryIndex, MemoryLog, Years, key_year};
use inzage::chainlog::Off;
use inzage::clock::Clock as _;
use inzage::fhir::cursor::Cursors;
use inzage::fhir::disclosure::Transfer;
use inzage::fhir::read::{Outgoing, Reader, Request};
use inzage::fhir::request::Asked;
use inzage::his::{
    About, Adapters, Answer, AnswerBody, Ask, Document, Format, HisAdapter, HisError, HisFuture, HisPatient, Search,
    Submission,
};
use inzage::medmij::{Bsn, FhirVersion, LocalId};
use inzage::routing::{Caller, Snapshot, route};
use inzage::seal::Sealer;
use inzage::secret::Secret;

use crate::scene::Scene;

const HIS: &str = "https://his.praktijk.internal/fhir";
/// About 8 KiB, indented: more bytes than a HIS sends for as many entries.
const ANSWER: &[u8] = include_bytes!("../../fixtures/fhir/observations.json");
const QUERY: &str = "code=https%3A%2F%2Freferentiemodel.nhg.org%2Ftabellen%2Fnhg-tabel-45-diagnostische-bepalingen%7C";

/// A gateway that answers one request again and again.
pub(crate) struct Desk {
    scene: Scene,
    reader: Reader,
    token: String,
    path: String,
}

impl Desk {
    pub(crate) fn open() -> Self {
        let scene = Scene::of(200, 1);
        let log = Arc::new(MemoryLog::default());
        let mut years = Years::default();
        let year = key_year(scene.clock.now());
        years.add_pseudonym_key(year, &Secret::new([1; 32]));
        years.add_sealing_key(year, &Secret::new([2; 32]));
        let keyring = Arc::new(Keyring::new(years));
        let his: Arc<dyn HisAdapter> = Arc::new(AtOnce);
        let adapters = Arc::new(Adapters::from_iter([("his-a".to_owned(), his)]));
        scene.snapshot.store(Arc::new(Snapshot { adapters, ..Snapshot::clone(&scene.snapshot.load()) }));
        let reader = Reader {
            snapshot: Arc::clone(&scene.snapshot),
            tokens: Arc::clone(&scene.tokens) as _,
            grants: Arc::clone(&scene.tokens) as _,
            audit: Arc::clone(&log) as _,
            log: Arc::new(access_log(&scene, &log, &keyring)),
            chain: Arc::new(Off),
            keyring,
            cursors: Arc::new(Cursors::new(Sealer::new(&Secret::new([3; 32])))),
            clock: Arc::clone(&scene.clock) as _,
            origin: "https://inzage.example".to_owned(),
            his_deadline: Duration::from_secs(20),
            submit_limit_bytes: 1 << 20,
        };
        let visit = &scene.visits[0];
        let (token, path) = (visit.token.clone(), visit.path.replace("Encounter", "Observation"));
        Self { reader, token, path, scene }
    }

    /// Makes the token known to the cache anew.
    pub(crate) fn remember(&self) {
        self.scene.remember();
    }

    /// Asks, and takes all that comes; whether something did.
    pub(crate) async fn read(&self) -> bool {
        let names = self.scene.caller(&self.scene.visits[0]);
        let request = Request {
            local_id: LocalId::new(self.scene.clock.now()),
            request_id: None,
            correlation_id: None,
            caller: Caller { names, thumbprint: None, address: None },
            route: Ok(route(&self.path).unwrap()),
            token: Ok(&self.token),
            asked: Asked::search(Some(QUERY)),
        };
        let released = self.reader.read(&request).await.unwrap();
        let Outgoing::Whole(body) = released.body else { return false };
        let counts = Counts { bytes: body.len() as u64, ..released.counts };
        released.disclosure.unwrap().transferred(counts, Transfer::Complete);
        released.counts.entries > 0
    }
}

fn access_log(scene: &Scene, log: &Arc<MemoryLog>, keyring: &Arc<Keyring>) -> AccessLog {
    AccessLog {
        index: Arc::new(MemoryIndex::default()),
        audit: Arc::clone(log) as _,
        keyring: Arc::clone(keyring),
        complete_until: Box::new(Some),
        clock: Arc::clone(&scene.clock) as _,
        kept_days: 1,
        site: Site { log: "memory".into(), operator: None, host: None },
    }
}

/// A HIS with one patient and one answer.
struct AtOnce;

impl HisAdapter for AtOnce {
    fn base(&self, _: FhirVersion) -> Option<&str> {
        Some(HIS)
    }

    fn about<'a>(&'a self, _: Ask<'a>) -> HisFuture<'a, About> {
        unsupported()
    }

    fn find_patient<'a>(&'a self, _: &'a Bsn, _: Ask<'a>) -> HisFuture<'a, Option<HisPatient>> {
        let patient = HisPatient { id: "pat-1".to_owned(), birth_date: Some(jiff::civil::date(1980, 5, 1)) };
        Box::pin(std::future::ready(Ok(Some(patient))))
    }

    fn ask_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>> {
        self.find_patient(bsn, ask)
    }

    fn search<'a>(&'a self, _: &'a HisPatient, _: Search<'a>) -> HisFuture<'a, Answer> {
        let body = AnswerBody::Whole(Bytes::from_static(ANSWER));
        Box::pin(std::future::ready(Ok(Answer { format: Format::Json, body, incomplete: false })))
    }

    fn page<'a>(&'a self, _: &'a HisPatient, _: Ask<'a>, _: &'a str) -> HisFuture<'a, Answer> {
        unsupported()
    }

    fn binary<'a>(&'a self, _: &'a HisPatient, _: Ask<'a>, _: &'a str) -> HisFuture<'a, Document> {
        unsupported()
    }

    fn submit<'a>(
        &'a self,
        _: &'a HisPatient,
        _: Ask<'a>,
        _: Submission,
        _: &'a AuditReceipt,
    ) -> HisFuture<'a, Answer> {
        unsupported()
    }
}

fn unsupported<'a, T>() -> HisFuture<'a, T>
where
    T: Send + 'a,
{
    Box::pin(std::future::ready(Err(HisError::Unsupported)))
}
