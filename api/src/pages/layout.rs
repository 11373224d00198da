//! What all pages have in common: head, navigation, the line where the script says things, headers.

use super::assets;
use crate::auth::Principal;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use maud::{DOCTYPE, Markup, html};

/// What a page may load and send: to and from this very server, and nothing that stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where the navigation leads.
const PLACES: [(&str, &str); 4] = [("", "Overview"), ("jobs", "Jobs"), ("tasks", "Tasks"), ("workers", "Workers")];

/// A page, to be rendered.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) up: &'static str,
    pub(super) title: String,
    pub(super) path: String,
    pub(super) body: Markup,
    /// `None`: nobody is signed in, and the page leads nowhere.
    pub(super) who: Option<Principal>,
    /// How often the script fetches the page anew to show what has changed, ms.
    pub(super) every_ms: Option<u32>,
    pub(super) status: u16,
}

impl Page {
    /// The script fetches it anew so often.
    pub(super) fn every(mut self, ms: u32) -> Self {
        self.every_ms = Some(ms);
        self
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    fn markup(&self) -> Markup {
        let up = self.up;
        let tag = assets::tag();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Dayfly" }
                    link rel="icon" type="image/svg+xml" href={ (up) "ui/icon.svg?v=" (tag) };
                    link rel="stylesheet" href={ (up) "ui/style.css?v=" (tag) };
                    script src={ (up) "ui/script.js?v=" (tag) } defer {}
                }
                body data-up=(up) data-every=[self.every_ms] {
                    a.skip href="#main" { "Skip to the content" }
                    header { (self.navigation()) }
                    p #said role="status" aria-live="polite" {}
                    main #main tabindex="-1" { (self.body) }
                    footer {
                        "Dayfly " (env!("CARGO_PKG_VERSION")) " · times are UTC · "
                        a href={ (up) "docs" } { "the API" }
                    }
                }
            }
        }
    }

    fn navigation(&self) -> Markup {
        let up = self.up;
        let first = self.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        html! {
            a.name href=(up) { "Dayfly" }
            @if let Some(who) = &self.who {
                nav aria-label="Pages" {
                    ul {
                        @for (place, name) in PLACES {
                            @let here = first == place;
                            li { a href={ (up) (place) } aria-current=[here.then_some("page")] { (name) } }
                        }
                    }
                }
                @if who.is_known() {
                    form.out method="post" action={ (up) "logout" } {
                        span { (who.owner()) " " small { "(" (who.scopes()) ")" } }
                        " " button #sign-out { "Sign out" }
                    }
                }
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.markup().into_string()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // Forms of this server must say where they come from, or they would be refused as foreign.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Cookie"));
        response
    }
}

/// A box that says there is nothing yet, and what to type next.
pub(super) fn empty(says: &str, command: &str) -> Markup {
    html! {
        div.empty {
            p { (says) }
            @if !command.is_empty() { pre { code { (command) } } }
        }
    }
}
