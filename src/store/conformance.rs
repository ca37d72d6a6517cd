//! What each store must do, whatever engine is behind it, written against the ports; and values to do it with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Store, Swept};
use crate::language::Language;
use crate::medmij::{Bsn, CorrelationId, Hostname, LocalId, ProviderName, RequestId, Scope, ServiceId};
use crate::oauth::authorize::{AuthorizeRequest, Door, RedirectUri, State};
use crate::oauth::code::{CodeStore, IssuedCode, Presented};
use crate::oauth::grant::{Grant, GrantStore, IssuedToken, LastingGrant, Node, Thumbprint, TokenStore};
use crate::oauth::refresh::{FoundRefresh, IssuedRefresh, RefreshStore, RefreshToken, Turn, Turned};
use crate::oauth::replay::{ReplayStore, UsedId};
use crate::secret::{Handle, HandleHash};
use crate::session::login::{AssuranceLevel, AuthenticatedPerson, LoginMethod, LoginState};
use crate::session::visit::{Landed, OpenVisit, Visit, VisitStore};

pub(super) const BSN: &str = "999911132";
pub(super) const CLIENT: &str = "pgo.zomerwind.example";

pub(super) fn now() -> Timestamp {
    "2026-03-02T09:30:00.123456Z".parse().unwrap()
}

pub(super) fn after(seconds: u64) -> Timestamp {
    now() + Duration::from_secs(seconds)
}

pub(super) fn grant() -> Grant {
    Grant {
        id: LocalId::new(now()),
        client: Hostname::parse(CLIENT).unwrap(),
        provider: ProviderName::parse("huisarts.waterkant@medmij").unwrap(),
        services: vec![ServiceId::parse("49").unwrap(), ServiceId::parse("51").unwrap()],
        subject: Bsn::parse(BSN).unwrap(),
        request: RequestId::parse("1a0b0ad3-5f3c-4b2e-8c8e-0a4b2f4f9a12"),
        correlation: CorrelationId::parse("7d3a3ad3-5f3c-4b2e-8c8e-0a4b2f4f9a11"),
        consented: now(),
        lasting: false,
        redeemed_by: None,
        smart: None,
    }
}

fn node() -> Node {
    Node { name: Hostname::parse(CLIENT).unwrap(), thumbprint: Thumbprint::new([7; 32]) }
}

/// A lasting grant whose code was redeemed.
pub(super) fn lasting() -> Grant {
    Grant { lasting: true, redeemed_by: Some(node()), ..grant() }
}

pub(super) fn refresh(grant: Grant) -> IssuedRefresh {
    IssuedRefresh { key: RefreshToken::draw().key(), expires: after(HALF_YEAR), grant: Arc::new(grant) }
}

const HALF_YEAR: u64 = 180 * 86_400;

pub(super) fn code(grant: Grant) -> IssuedCode {
    let redirect_uri = RedirectUri::parse(&format!("https://{CLIENT}:8443/terug/hier"), &grant.client, true).unwrap();
    IssuedCode { hash: Handle::draw().hash(), redirect_uri, expires: after(900), grant }
}

pub(super) fn token(grant: Grant) -> IssuedToken {
    IssuedToken::new(Handle::draw().hash(), after(900), None, Arc::new(grant))
}

fn request() -> AuthorizeRequest {
    AuthorizeRequest {
        client: Hostname::parse(CLIENT).unwrap(),
        redirect_uri: code(grant()).redirect_uri,
        scope: Scope::parse("huisarts.waterkant~49", crate::medmij::ScopeRelease::Two).unwrap(),
        state: State::parse("een staat").unwrap(),
        request_id: None,
        correlation_id: None,
        door: Door::MedMij,
    }
}

/// A visit of a person who is asked for consent: the step that holds the most.
pub(super) fn visit() -> OpenVisit {
    let person = AuthenticatedPerson {
        bsn: Bsn::parse(BSN).unwrap(),
        level: AssuranceLevel::Midden,
        at: now(),
        method: LoginMethod::Oidc,
    };
    let at_login = Landed { request: request() }.proceed(LoginState::new("een staat".to_owned()));
    let asked = at_login.authenticated(person, grant().services);
    OpenVisit {
        id: LocalId::new(now()),
        cookie: Handle::draw().hash(),
        form: Handle::draw().hash(),
        expires: after(600),
        visit: Visit::Asked(asked),
        language: Language::English,
    }
}

pub(super) async fn a_code_is_spent_by_its_first_presentation(codes: &dyn CodeStore) {
    let code = code(grant());
    codes.keep(code.clone()).await.unwrap();
    codes.keep(self::code(grant())).await.unwrap();
    let first = codes.present(code.hash, now()).await.unwrap();
    assert!(matches!(first, Presented::First(found) if *found == code));
    for _ in 0..2 {
        let again = codes.present(code.hash, after(1)).await.unwrap();
        assert!(matches!(again, Presented::Again { grant } if grant == code.grant.id));
    }
}

pub(super) async fn an_unknown_code_is_unknown(codes: &dyn CodeStore) {
    let hash = Handle::draw().hash();
    for _ in 0..2 {
        assert!(matches!(codes.present(hash, now()).await.unwrap(), Presented::Unknown));
    }
}

pub(super) async fn a_code_is_kept_once(codes: &dyn CodeStore) {
    let code = code(grant());
    codes.keep(code.clone()).await.unwrap();
    codes.present(code.hash, now()).await.unwrap();
    assert!(codes.keep(code.clone()).await.is_err(), "a spent code does not come back");
    assert!(matches!(codes.present(code.hash, now()).await.unwrap(), Presented::Again { .. }));
}

pub(super) async fn an_expired_code_is_spent_too(codes: &dyn CodeStore) {
    let code = code(grant());
    codes.keep(code.clone()).await.unwrap();
    let first = codes.present(code.hash, after(901)).await.unwrap();
    assert!(matches!(first, Presented::First(found) if found.expires == code.expires));
    assert!(matches!(codes.present(code.hash, after(902)).await.unwrap(), Presented::Again { .. }));
}

pub(super) async fn of_a_hundred_presentations_one_is_first(codes: Arc<dyn CodeStore>) {
    let code = code(grant());
    codes.keep(code.clone()).await.unwrap();
    let barrier = Arc::new(tokio::sync::Barrier::new(100));
    let mut presentations = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (codes, barrier, hash) = (codes.clone(), barrier.clone(), code.hash);
        presentations.spawn(async move {
            barrier.wait().await;
            codes.present(hash, now()).await.unwrap()
        });
    }
    let presented = presentations.join_all().await;
    let count = |fits: fn(&Presented) -> bool| presented.iter().filter(|one| fits(one)).count();
    assert_eq!(count(|one| matches!(one, Presented::First(_))), 1);
    assert_eq!(count(|one| matches!(one, Presented::Again { .. })), 99);
}

pub(super) async fn a_token_is_found_until_its_grant_ends(tokens: &dyn TokenStore, grants: &dyn GrantStore) {
    let mut token = token(lasting());
    token.bound_to = Some(Thumbprint::new([9; 32]));
    let sibling = self::token((*token.grant).clone());
    let other = self::token(Grant { correlation: None, services: Vec::new(), ..grant() });
    for one in [&token, &sibling, &other] {
        assert_eq!(tokens.find(one.hash).await, Ok(None));
        tokens.keep(one.clone()).await.unwrap();
        assert_eq!(tokens.find(one.hash).await, Ok(Some(one.clone())));
    }
    assert_eq!(grants.end(token.grant.id, after(1)).await, Ok(true));
    assert_eq!(grants.end(token.grant.id, after(2)).await, Ok(false));
    assert_eq!(grants.end(LocalId::new(now()), after(2)).await, Ok(false));
    assert_eq!(grants.has_ended(token.grant.id).await, Ok(true));
    assert_eq!(grants.has_ended(other.grant.id).await, Ok(false));
    assert_eq!(tokens.find(token.hash).await, Ok(None));
    assert_eq!(tokens.find(sibling.hash).await, Ok(None));
    assert_eq!(tokens.find(other.hash).await, Ok(Some(other.clone())));
}

/// The second presentation of a code may come between the first one and the token that it leads to.
pub(super) async fn a_grant_ended_before_its_token_gives_none(
    codes: &dyn CodeStore,
    tokens: &dyn TokenStore,
    grants: &dyn GrantStore,
) {
    let code = code(grant());
    codes.keep(code.clone()).await.unwrap();
    codes.present(code.hash, now()).await.unwrap();
    let Presented::Again { grant } = codes.present(code.hash, now()).await.unwrap() else {
        panic!("the second presentation");
    };
    grants.end(grant, now()).await.unwrap();
    let token = token(code.grant);
    tokens.keep(token.clone()).await.unwrap();
    assert_eq!(tokens.find(token.hash).await, Ok(None));
}

pub(super) async fn a_code_of_an_ended_grant_is_spent(codes: &dyn CodeStore, grants: &dyn GrantStore) {
    let code = code(grant());
    codes.keep(code.clone()).await.unwrap();
    grants.end(code.grant.id, now()).await.unwrap();
    for _ in 0..2 {
        let presented = codes.present(code.hash, now()).await.unwrap();
        assert!(matches!(presented, Presented::Again { grant } if grant == code.grant.id));
    }
}

pub(super) async fn a_redeemed_grant_names_its_node(codes: &dyn CodeStore, tokens: &dyn TokenStore) {
    let code = code(Grant { lasting: true, ..grant() });
    codes.keep(code.clone()).await.unwrap();
    let redeemed = token(Grant { redeemed_by: Some(node()), ..code.grant.clone() });
    tokens.keep(redeemed.clone()).await.unwrap();
    assert_eq!(tokens.find(redeemed.hash).await, Ok(Some(redeemed.clone())));
    let other = Node { thumbprint: Thumbprint::new([8; 32]), ..node() };
    let later = token(Grant { redeemed_by: Some(other), ..code.grant });
    tokens.keep(later.clone()).await.unwrap();
    let found = tokens.find(later.hash).await.unwrap().unwrap();
    assert_eq!(found.grant, redeemed.grant, "the first one stays");
}

fn turn_of(refresh: &IssuedRefresh, seconds: u64) -> Turn {
    Turn {
        presented: refresh.key,
        next: Handle::draw().hash(),
        expires: after(HALF_YEAR + seconds),
        token: token((*refresh.grant).clone()),
    }
}

fn turned(refresh: &IssuedRefresh, turn: &Turn) -> IssuedRefresh {
    let mut next = IssuedRefresh { expires: turn.expires, ..refresh.clone() };
    next.key.turn = turn.next;
    next
}

pub(super) async fn a_refresh_token_turns_into_the_next(refreshes: &dyn RefreshStore, tokens: &dyn TokenStore) {
    let first = refresh(lasting());
    assert_eq!(refreshes.look(first.key).await, Ok(FoundRefresh::Unknown));
    refreshes.keep(first.clone()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(refreshes.look(first.key).await, Ok(FoundRefresh::Current(Box::new(first.clone()))));
    }
    let turn = turn_of(&first, 1);
    assert_eq!(refreshes.turn(turn.clone()).await, Ok(Turned::Done));
    assert_eq!(tokens.find(turn.token.hash).await, Ok(Some(turn.token.clone())));
    let next = turned(&first, &turn);
    assert_eq!(refreshes.look(next.key).await, Ok(FoundRefresh::Current(Box::new(next.clone()))));
    let old = first.grant.id;
    assert_eq!(refreshes.look(first.key).await, Ok(FoundRefresh::Old { grant: old }));
    let again = turn_of(&first, 2);
    assert_eq!(refreshes.turn(again.clone()).await, Ok(Turned::Old { grant: old }));
    assert_eq!(tokens.find(again.token.hash).await, Ok(None), "nothing is kept with it");
    assert_eq!(refreshes.look(next.key).await, Ok(FoundRefresh::Current(Box::new(next))));
}

pub(super) async fn a_grant_has_one_family(refreshes: &dyn RefreshStore) {
    let first = refresh(lasting());
    refreshes.keep(first.clone()).await.unwrap();
    let second = refresh((*first.grant).clone());
    assert!(refreshes.keep(second.clone()).await.is_err());
    assert_eq!(refreshes.look(second.key).await, Ok(FoundRefresh::Unknown));
    assert_eq!(refreshes.turn(turn_of(&second, 1)).await, Ok(Turned::Unknown));
}

pub(super) async fn an_ended_grant_has_no_family(refreshes: &dyn RefreshStore, grants: &dyn GrantStore) {
    let first = refresh(lasting());
    refreshes.keep(first.clone()).await.unwrap();
    grants.end(first.grant.id, after(1)).await.unwrap();
    assert_eq!(refreshes.look(first.key).await, Ok(FoundRefresh::Unknown));
    assert_eq!(refreshes.turn(turn_of(&first, 2)).await, Ok(Turned::Unknown));
}

pub(super) async fn of_a_hundred_turns_one_is_done(refreshes: Arc<dyn RefreshStore>) {
    let first = refresh(lasting());
    refreshes.keep(first.clone()).await.unwrap();
    let barrier = Arc::new(tokio::sync::Barrier::new(100));
    let mut turns = tokio::task::JoinSet::new();
    for seconds in 0..100 {
        let (refreshes, barrier, turn) = (refreshes.clone(), barrier.clone(), turn_of(&first, seconds));
        turns.spawn(async move {
            barrier.wait().await;
            refreshes.turn(turn).await.unwrap()
        });
    }
    let turned = turns.join_all().await;
    assert_eq!(turned.iter().filter(|one| **one == Turned::Done).count(), 1);
    let old = Turned::Old { grant: first.grant.id };
    assert_eq!(turned.iter().filter(|one| **one == old).count(), 99);
}

pub(super) async fn a_person_finds_their_lasting_grants(refreshes: &dyn RefreshStore, grants: &dyn GrantStore) {
    let of =
        |bsn: &str, seconds: u64| Grant { subject: Bsn::parse(bsn).unwrap(), consented: after(seconds), ..lasting() };
    let (first, second, ended) = (refresh(of(BSN, 0)), refresh(of(BSN, 10)), refresh(of(BSN, 20)));
    let other = refresh(of("999910796", 0));
    let brief = IssuedRefresh { expires: after(100), ..refresh(of(BSN, 30)) };
    for one in [&first, &second, &ended, &other, &brief] {
        refreshes.keep(one.clone()).await.unwrap();
    }
    grants.end(ended.grant.id, after(40)).await.unwrap();
    let mut found = grants.lasting_of(&first.grant.subject, after(100)).await.unwrap();
    let mine = [&first, &second, &ended, &other, &brief].map(|one| one.grant.id);
    found.retain(|one| mine.contains(&one.grant.id));
    let listed = |one: &IssuedRefresh| LastingGrant { grant: (*one.grant).clone(), lapses: one.expires };
    assert_eq!(found, [listed(&second), listed(&first)], "newest first; neither ended, nor lapsed, nor another's");
}

pub(super) async fn a_visit_is_taken_once(visits: &dyn VisitStore) {
    let (id, cookie, form) = kept_visit(visits).await;
    let taken = visits.take(id, cookie, form, now()).await.unwrap().unwrap();
    assert_eq!((taken.id, taken.cookie, taken.form, taken.expires), (id, cookie, form, after(600)));
    assert_eq!(taken.language, Language::English);
    let Visit::Asked(asked) = &taken.visit else { panic!("another step") };
    assert_eq!((&asked.request, asked.person.bsn.reveal()), (&request(), BSN));
    assert!(visits.take(id, cookie, form, now()).await.unwrap().is_none());

    let moved = OpenVisit { form: Handle::draw().hash(), ..taken };
    let next = moved.form;
    visits.keep(moved).await.unwrap();
    assert!(visits.take(id, cookie, form, now()).await.unwrap().is_none(), "the page before");
    assert!(visits.take(id, cookie, next, now()).await.unwrap().is_some());
}

pub(super) async fn a_visit_is_looked_at_without_being_taken(visits: &dyn VisitStore) {
    let (id, cookie, form) = kept_visit(visits).await;
    let (other_id, other_cookie, _) = kept_visit(visits).await;
    for _ in 0..2 {
        let seen = visits.look(id, cookie, after(599)).await.unwrap().unwrap();
        assert_eq!((seen.id, seen.cookie, seen.form, seen.expires), (id, cookie, form, after(600)));
    }
    for (id, cookie, at) in
        [(id, cookie, after(600)), (id, other_cookie, now()), (id, form, now()), (other_id, cookie, now())]
    {
        assert!(visits.look(id, cookie, at).await.unwrap().is_none());
    }
    assert!(visits.take(id, cookie, form, now()).await.unwrap().is_some());
    assert!(visits.look(id, cookie, now()).await.unwrap().is_none());
}

pub(super) async fn wrong_keys_leave_a_visit_in_place(visits: &dyn VisitStore) {
    let (id, cookie, form) = kept_visit(visits).await;
    let (other_id, other_cookie, other_form) = kept_visit(visits).await;
    for (id, cookie, form) in
        [(id, other_cookie, form), (id, cookie, other_form), (id, form, cookie), (other_id, cookie, form)]
    {
        assert!(visits.take(id, cookie, form, now()).await.unwrap().is_none());
    }
    assert!(visits.take(id, cookie, form, now()).await.unwrap().is_some());
    assert!(visits.take(other_id, other_cookie, other_form, now()).await.unwrap().is_some());
}

pub(super) async fn a_visit_ends_at_its_time(visits: &dyn VisitStore) {
    let (id, cookie, form) = kept_visit(visits).await;
    assert!(visits.take(id, cookie, form, after(600)).await.unwrap().is_none());
    assert!(visits.take(id, cookie, form, after(599)).await.unwrap().is_some());
}

pub(super) async fn of_twenty_takers_one_gets_the_visit(visits: Arc<dyn VisitStore>) {
    let (id, cookie, form) = kept_visit(&*visits).await;
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let visits = visits.clone();
        takers.spawn(async move { visits.take(id, cookie, form, now()).await.unwrap().is_some() });
    }
    assert_eq!(takers.join_all().await.into_iter().filter(|got| *got).count(), 1);
}

fn used_id(jti: &str) -> UsedId {
    UsedId::of(&Hostname::parse("portaal.zomerwind.example").unwrap(), jti, after(120))
}

pub(super) async fn an_id_is_used_once(ids: &dyn ReplayStore) {
    assert_eq!(ids.first_use(used_id("a")).await, Ok(true));
    assert_eq!(ids.first_use(used_id("b")).await, Ok(true));
    for jti in ["a", "b", "a"] {
        assert_eq!(ids.first_use(UsedId { expires: after(999), ..used_id(jti) }).await, Ok(false));
        assert_eq!(ids.is_used(used_id(jti).hash).await, Ok(true));
    }
    assert_eq!(ids.is_used(used_id("c").hash).await, Ok(false), "who looks uses nothing");
    assert_eq!(ids.is_used(used_id("c").hash).await, Ok(false));
}

/// After [`an_id_is_used_once`]. A node whose clock is behind, or was set back, still takes the assertion when another one
/// sweeps.
pub(super) async fn a_used_id_outlives_its_assertion(store: &dyn Store) {
    let end = 120 + 3_600;
    for sweep in [121, end] {
        assert_eq!(store.sweep(after(sweep)).await, Ok(Swept::default()), "{sweep}");
        assert_eq!(store.first_use(used_id("a")).await, Ok(false));
    }
    assert_eq!(store.sweep(after(end + 1)).await, Ok(Swept { used_ids: 2, ..Swept::default() }));
}

pub(super) async fn of_a_hundred_uses_one_is_first(ids: Arc<dyn ReplayStore>) {
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let ids = ids.clone();
        uses.spawn(async move { ids.first_use(used_id("raced")).await.unwrap() });
    }
    assert_eq!(uses.join_all().await.into_iter().filter(|first| *first).count(), 1);
}

pub(super) async fn a_sweep_takes_what_is_over_and_nothing_else(store: &dyn Store) {
    let (code, token, visit) = (code(grant()), token(grant()), visit());
    let (id, cookie, form) = (visit.id, visit.cookie, visit.form);
    CodeStore::keep(store, code.clone()).await.unwrap();
    TokenStore::keep(store, token.clone()).await.unwrap();
    VisitStore::keep(store, visit).await.unwrap();
    const DAY: u64 = 86_400;

    assert_eq!(store.sweep(after(599)).await, Ok(Swept::default()));
    assert!(store.take(id, cookie, form, after(599)).await.unwrap().is_some());
    VisitStore::keep(store, self::visit()).await.unwrap();
    assert_eq!(store.sweep(after(600)).await, Ok(Swept { visits: 1, ..Swept::default() }));
    assert_eq!(store.sweep(after(900)).await, Ok(Swept::default()));
    assert_eq!(store.find(token.hash).await, Ok(Some(token)));
    assert_eq!(store.sweep(after(901)).await, Ok(Swept { tokens: 1, ..Swept::default() }));
    // The token's grant goes after a day; the code's stays for as long as the code is recognised.
    assert_eq!(store.sweep(after(DAY)).await, Ok(Swept::default()));
    assert_eq!(store.sweep(after(DAY + 1)).await, Ok(Swept { grants: 1, ..Swept::default() }));
    assert!(matches!(store.present(code.hash, after(DAY + 900)).await.unwrap(), Presented::First(_)));
    assert_eq!(store.sweep(after(DAY + 901)).await, Ok(Swept { codes: 1, grants: 1, ..Swept::default() }));
    assert!(matches!(store.present(code.hash, after(DAY + 901)).await.unwrap(), Presented::Unknown));
}

pub(super) async fn an_old_grant_stays_while_something_stands_for_it(store: &dyn Store) {
    let old = || Grant { consented: now() - Duration::from_secs(200_000), ..grant() };
    let (code, token) = (code(old()), token(old()));
    CodeStore::keep(store, code.clone()).await.unwrap();
    TokenStore::keep(store, token.clone()).await.unwrap();
    assert_eq!(store.sweep(now()).await, Ok(Swept::default()));
    assert_eq!(store.find(token.hash).await, Ok(Some(token)));
    assert!(matches!(store.present(code.hash, now()).await.unwrap(), Presented::First(_)));
}

pub(super) async fn a_lasting_grant_lives_while_its_family_does(store: &dyn Store) {
    let refresh = refresh(lasting());
    RefreshStore::keep(store, refresh.clone()).await.unwrap();
    let end = refresh.expires;
    assert_eq!(store.sweep(end).await, Ok(Swept::default()));
    assert_eq!(
        store.sweep(end + Duration::from_secs(1)).await,
        Ok(Swept { refreshes: 1, grants: 1, ..Swept::default() })
    );
}

/// What stands about a person goes with their consent, not half a year after it.
pub(super) async fn an_ended_lasting_grant_is_swept(store: &dyn Store) {
    let (ended, stays) = (refresh(lasting()), refresh(lasting()));
    for refresh in [&ended, &stays] {
        RefreshStore::keep(store, refresh.clone()).await.unwrap();
    }
    store.end(ended.grant.id, after(1)).await.unwrap();
    assert_eq!(store.sweep(after(1)).await, Ok(Swept::default()));
    let day = 86_400;
    assert_eq!(store.sweep(after(day + 1)).await, Ok(Swept { refreshes: 1, grants: 1, ..Swept::default() }));
    assert_eq!(RefreshStore::look(store, ended.key).await, Ok(FoundRefresh::Unknown));
    assert_eq!(store.has_ended(ended.grant.id).await, Ok(true));
    assert_eq!(RefreshStore::look(store, stays.key).await, Ok(FoundRefresh::Current(Box::new(stays))));
}

async fn kept_visit(visits: &dyn VisitStore) -> (LocalId, HandleHash, HandleHash) {
    let visit = visit();
    let keys = (visit.id, visit.cookie, visit.form);
    visits.keep(visit).await.unwrap();
    keys
}

/// A directory of its own for one test.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("inzage-store-{}", Handle::draw().reveal()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
