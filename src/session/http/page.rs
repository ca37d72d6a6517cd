//! Pages as answers: what each step shows, what a failure says, and headers that allow nothing that a page does not need.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::cookie;
use super::wish::Wish;
use crate::medmij::LocalId;
use crate::oauth::authorize::NoClient;
use crate::pages::{
    ConsentPage, ConsentsPage, Explained, FailureText, LandingPage, LeftPage, MessagePage, OwnStartPage, Text,
    UnavailablePage,
};
use crate::routing::Halt;
use crate::secret::Handle;
use crate::session::journey::{BackToClient, Ended, Journey, JourneyError, Next, Page, View};
use crate::session::login::LoginUnavailable;
use crate::session::visit::Goal;

impl Journey {
    /// The answer to a step of a visit.
    pub(super) fn shown(&self, next: Result<Next, Ended>, id: LocalId, wish: Wish) -> Response {
        match next {
            Ok(Next::Landing(page)) => visit_page(&page, LandingPage::of(&page).render_html()),
            // Pages of ours are fetched by a GET of their own, to be reloaded, gone back to, and read in the other language.
            Ok(Next::Onward { address, visit, cookie }) => onward(&address, visit, &cookie),
            Ok(Next::Client(back)) => back_to_client(&back, id),
            Ok(Next::OwnStart(goal)) => forgetting(Redirect::to(goal.start()).into_response(), id),
            Ok(Next::OwnEnd(language)) => {
                forgetting(secured(Html(LeftPage::new(language).render_html()).into_response(), ""), id)
            }
            Err(ended) => self.failed(&ended, id, wish),
        }
    }

    /// A page that was fetched.
    pub(super) fn seen(&self, view: Result<View, Ended>, id: LocalId, wish: Wish) -> Response {
        match view {
            Ok(View::Landing(page)) => visit_page(&page, LandingPage::of(&page).render_html()),
            Ok(View::Consent(page)) => visit_page(&page, ConsentPage::of(&page, &self.operator).render_html()),
            Ok(View::Own(page)) => {
                let html = ConsentsPage::of(&page).render_html();
                with_cookie(secured(Html(html).into_response(), ""), page.visit, &page.keys.cookie)
            }
            Ok(View::Unavailable(page)) => visit_page(&page, UnavailablePage::of(&page).render_html()),
            Err(ended) => self.failed(&ended, id, wish),
        }
    }

    /// A page on which a visit ends.
    pub(super) fn failed(&self, ended: &Ended, reference: LocalId, wish: Wish) -> Response {
        let text = Text::of(wish.asked.or(ended.language).unwrap_or(wish.preferred));
        let status = StatusCode::from_u16(ended.error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = MessagePage::new(text, explained(&text.failure, ended.error), reference, &self.operator);
        let page = page.with(ended.back.as_ref().map(BackToClient::location), ended.trace);
        secured((status, Html(page.render_html())).into_response(), "")
    }

    /// Where a person begins who comes by themself.
    pub(super) fn own_start(&self, wish: Wish, goal: Goal) -> Response {
        let html = OwnStartPage::new(wish.language(), goal).render_html();
        secured(Html(html).into_response(), &self.login.origins().join(" "))
    }

    /// The page for an address that is none.
    pub(super) fn not_found(&self, wish: Wish) -> Response {
        let text = Text::of(wish.language());
        let reference = crate::trace::id(&*self.clock);
        let page = MessagePage::new(text, text.failure.no_page, reference, &self.operator);
        secured((StatusCode::NOT_FOUND, Html(page.render_html())).into_response(), "")
    }
}

const fn explained(text: &FailureText, error: JourneyError) -> Explained {
    match error {
        JourneyError::NoClient(NoClient::UnknownClient) => text.unknown_client,
        JourneyError::NoClient(NoClient::BadRedirectUri) => text.bad_redirect,
        JourneyError::OtherSite => text.other_site,
        JourneyError::StalePage => text.stale,
        JourneyError::BadForm | JourneyError::TooLarge => text.bad_form,
        JourneyError::His(error) if error.is_passing() => text.his_silent,
        JourneyError::His(_) => text.his_strange,
        JourneyError::Login(LoginUnavailable) => text.login_silent,
        JourneyError::Stopped(Halt::Everything) => text.stopped,
        JourneyError::Stopped(Halt::Client) => text.stopped_client,
        JourneyError::Stopped(Halt::His | Halt::Practice) => text.stopped_practice,
        JourneyError::ListsTooOld | JourneyError::Ours => text.ours,
    }
}

/// On to another page, with the new cookie of the visit.
fn onward(address: &str, visit: LocalId, cookie: &Handle) -> Response {
    with_cookie(Redirect::to(address).into_response(), visit, cookie)
}

fn visit_page(page: &Page, html: String) -> Response {
    with_cookie(secured(Html(html).into_response(), &page.leads_to), page.visit, &page.keys.cookie)
}

fn back_to_client(back: &BackToClient, visit: LocalId) -> Response {
    forgetting(Redirect::to(&back.location()).into_response(), visit)
}

pub(super) fn with_cookie(mut response: Response, visit: LocalId, cookie: &Handle) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie::set(visit, cookie));
    response
}

fn forgetting(mut response: Response, visit: LocalId) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie::forget(visit));
    response
}

/// A form of ours leads to us, and from there to the client or the login service; browsers hold the whole chain against
/// `form-action`.
pub(super) fn secured(mut response: Response, leads_to: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    let fallback = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy.trim_end()).unwrap_or(fallback));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
