//! The faces of a node: what answers on its listeners, over the parts that stay. A reload makes them anew.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::runtime::Handle;

use super::assemble::Shared;
use super::material::Served;
use super::portals;
use crate::accesslog::AccessLog;
use crate::audit::render::Site;
use crate::config::{self, Config};
use crate::fhir::cursor::Cursors;
use crate::fhir::read::Reader;
use crate::jose::DecryptionKey;
use crate::monitor::recorded::CountedLog;
use crate::oauth::authorize::AuthorizeForm;
use crate::oauth::metadata::Metadata;
use crate::oauth::rate::PortalRates;
use crate::oauth::smart::SmartNames;
use crate::oauth::smart_metadata::SmartConfiguration;
use crate::oauth::token::{PortalDesk, ScopeForm, TokenDesk, TokenRules};
use crate::practices::find::Finder;
use crate::practices::http::SearchDesk;
use crate::routes::{Admission, AuditorFace, BackFace, FrontFace, OperatorFace};
use crate::seal::{Key32, Sealer};
use crate::services::Catalogue;
use crate::session::journey::{Journey, JourneyRules, Operator};
use crate::session::login::IdentityProvider;

/// How long a person may take for one page.
const PAGE_LIFETIME: Duration = Duration::from_secs(900);
/// How long the availability test may take; a person is waiting for the page.
const AVAILABILITY_DEADLINE: Duration = Duration::from_secs(8);
/// The same at a refresh, whose answer has 10 s in all (core.tknint.206).
const REFRESH_DEADLINE: Duration = Duration::from_secs(6);
/// How long the login service may take between two pages.
const LOGIN_DEADLINE: Duration = Duration::from_secs(10);

/// The faces of a node, from one configuration.
pub(super) struct Faces {
    pub(super) front: FrontFace,
    pub(super) back: BackFace,
    pub(super) desk: Option<AuditorFace>,
    pub(super) admin: Option<OperatorFace>,
}

impl Faces {
    /// Over the parts that stay.
    pub(super) fn assemble(config: &Config, shared: &Shared, served: Served) -> Self {
        let Served { services, login, finder, decryption, rates, sealing, operators, open, installations } = served;
        let told = told(config, &services);
        let [pages, clients] = shared.admissions.under(config);
        let open = super::open::routes(config, shared, open, (operator(&config.operator), &sealing));
        let beside = open.into_iter().fold(told.clone(), Router::merge);
        Self {
            front: front(config, shared, login, (finder, pages), beside),
            back: back(config, shared, (decryption, rates, clients), &sealing, told),
            desk: super::auditors::face(config, shared, &sealing),
            admin: super::operations::face(config, shared, (installations, operators), &sealing),
        }
    }
}

fn front(
    config: &Config,
    shared: &Shared,
    login: Arc<dyn IdentityProvider>,
    (finder, admission): (Finder, Admission),
    beside: Router,
) -> FrontFace {
    let journey = Journey {
        snapshot: Arc::clone(&shared.snapshot),
        visits: Arc::clone(&shared.store) as _,
        codes: Arc::clone(&shared.store) as _,
        grants: Arc::clone(&shared.tokens) as _,
        audit: Arc::clone(&shared.audit) as _,
        log: access_log(config, shared),
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        login,
        clock: Arc::clone(&shared.clock),
        rules: JourneyRules {
            allow_ports: config.lists.reading.allow_ports,
            form: AuthorizeForm { release: config.oauth.scope_release, require_ids: config.oauth.require_ids },
            code_lifetime: config.release.code_lifetime,
            page_lifetime: PAGE_LIFETIME,
            availability_deadline: AVAILABILITY_DEADLINE,
            login_deadline: LOGIN_DEADLINE,
        },
        operator: operator(&config.operator),
        smart: SmartNames::new(&config.front.origin.to_string(), &config.back.origin.to_string()),
        places: shared.operations.golive.places().clone(),
    };
    let search = SearchDesk::new(finder, Arc::clone(&shared.snapshot));
    let router = crate::session::http::router(Arc::new(journey))
        .merge(beside)
        .merge(crate::practices::http::router(Arc::new(search)));
    FrontFace { router, admission, watch: shared.watch.clone() }
}

/// The log as it is shown to the person it is about.
fn access_log(config: &Config, shared: &Shared) -> Arc<AccessLog> {
    Arc::new(AccessLog {
        index: Arc::clone(&shared.index),
        audit: Arc::clone(&shared.audit) as _,
        keyring: Arc::clone(&shared.keyring),
        complete_until: {
            let progress = Arc::clone(&shared.indexed);
            Box::new(move |now| progress.complete_until(now))
        },
        clock: Arc::clone(&shared.clock),
        kept_days: config.audit.retention_days,
        site: Site {
            log: shared.audit.id().to_string().into(),
            operator: Some(config.operator.name.as_str().into()),
            host: Some(config.back.origin.host().as_str().into()),
        },
    })
}

fn operator(written: &config::Operator) -> Operator {
    Operator {
        name: written.name.clone(),
        phone: written.phone.clone(),
        privacy: written.privacy.as_ref().map(|url| url.as_str().to_owned()),
    }
}

fn back(
    config: &Config,
    shared: &Shared,
    (decryption, rates, admission): (Vec<DecryptionKey>, Arc<PortalRates>, Admission),
    sealing: &Key32,
    told: Router,
) -> BackFace {
    let desk = TokenDesk {
        snapshot: Arc::clone(&shared.snapshot),
        codes: Arc::clone(&shared.store) as _,
        tokens: Arc::clone(&shared.tokens) as _,
        grants: Arc::clone(&shared.tokens) as _,
        refreshes: Arc::clone(&shared.store) as _,
        audit: Arc::clone(&shared.audit) as _,
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        portals: PortalDesk {
            ids: Arc::clone(&shared.store) as _,
            decryption,
            audience: portals::audience(config),
            rates,
            places: shared.operations.golive.places().clone(),
        },
        clock: Arc::clone(&shared.clock),
        rules: token_rules(config),
        patience: Arc::clone(&shared.patience),
    };
    let reader = Reader {
        snapshot: Arc::clone(&shared.snapshot),
        log: access_log(config, shared),
        tokens: Arc::clone(&shared.tokens) as _,
        grants: Arc::clone(&shared.tokens) as _,
        audit: Arc::new(CountedLog::new(Arc::clone(&shared.disclosures), Arc::clone(&shared.watch.metrics))),
        chain: Arc::clone(&shared.chain),
        keyring: Arc::clone(&shared.keyring),
        cursors: Arc::new(Cursors::new(Sealer::derived(sealing, "page"))),
        clock: Arc::clone(&shared.clock),
        origin: config.back.origin.to_string(),
        his_deadline: config.release.his_deadline,
        submit_limit_bytes: config.release.submit_limit_bytes,
    };
    let router = crate::oauth::http::router(Arc::new(desk)).merge(told);
    let (reader, control) = (Arc::new(reader), Handle::current());
    BackFace { router, reader, control, admission, watch: shared.watch.clone() }
}

/// What the gateway says of itself, on either channel; of the door of portals only when there is one.
fn told(config: &Config, catalogue: &Catalogue) -> Router {
    let portals = config.clients.values().any(|client| matches!(client.role, config::ClientRole::Portal(_)));
    let (front, back) = (config.front.origin.to_string(), config.back.origin.to_string());
    let told = crate::oauth::http::metadata_router(Metadata::new(&front, &back, portals));
    if !portals {
        return told;
    }
    told.merge(crate::oauth::http::smart_router(SmartConfiguration::new(&front, &back, catalogue)))
}

fn token_rules(config: &Config) -> TokenRules {
    TokenRules {
        token_lifetime: config.release.token_lifetime,
        refresh_months: config.oauth.refresh_months,
        scope_form: match config.oauth.token_scope {
            config::TokenScope::Ids => ScopeForm::Ids,
            config::TokenScope::NameAndId => ScopeForm::NameAndId,
        },
        availability_deadline: REFRESH_DEADLINE,
    }
}
