//! GET and POST /login, POST /logout: a token becomes a session. Plain forms, which need no script.

use super::{layout::Page, refusal::redirect, table::is_page, visit::wants_page};
use crate::{
    app::App,
    auth,
    error::{Code, Problem},
    extract::{Query, form_pairs, query, read_body},
    front::Secure,
    routes::submit,
};
use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
    response::IntoResponse as _,
};
use maud::html;
use std::sync::Arc;

/// Largest body of the form, bytes.
const LARGEST: u64 = 16 << 10;

/// GET /login
pub(super) async fn page(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    if !wants_page(&headers) {
        return Err(submit::no_job(&app, &Method::GET, uri.path()).await);
    }
    let query = query(&uri, &["next"])?;
    let next = query.get("next").filter(|next| is_next(next)).unwrap_or_default();
    if !auth::asks(&app).await? {
        return Ok(redirect(&target(next)));
    }
    Ok(form(next, None).into_response())
}

/// POST /login
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(Secure(secure)): Extension<Secure>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let body = read_body(&head.headers, body, LARGEST).await?;
    let fields = Query::gather(form_pairs(&body), &["token", "next"])?;
    let next = fields.get("next").filter(|next| is_next(next)).unwrap_or_default();
    match auth::sign_in(&app, fields.get("token").unwrap_or_default()).await {
        Ok(session) => Ok(with_cookie(redirect(&target(next)), auth::cookie(&session, secure))),
        Err(refused) if wants_page(&head.headers) && refused.code() == Code::Unauthorized => {
            Ok(form(next, Some(refused.detail())).with_status(StatusCode::UNAUTHORIZED).into_response())
        }
        Err(other) => Err(other),
    }
}

/// POST /logout
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Extension(Secure(secure)): Extension<Secure>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    auth::sign_out(&app, &headers).await?;
    Ok(with_cookie(redirect("login"), auth::no_cookie(secure)))
}

fn with_cookie(mut response: Response<Body>, cookie: Option<HeaderValue>) -> Response<Body> {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Only a page of this server is gone to: else anybody's link could lead on to anywhere.
fn is_next(next: &str) -> bool {
    let path = next.split('?').next().unwrap_or_default();
    is_page(&format!("/{path}")) && path != "login" && next.bytes().all(|byte| byte.is_ascii_graphic())
}

fn target(next: &str) -> String {
    format!("./{next}")
}

fn form(next: &str, fault: Option<&str>) -> Page {
    let body = html! {
        h1 { "Sign in" }
        form.login method="post" action="login" data-next={ "./" (next) } {
            @if let Some(fault) = fault { p.problem role="alert" { (fault) } }
            p {
                label for="token" { "Token" }
                input #token name="token" type="password" autocomplete="current-password" required autofocus
                    spellcheck="false" aria-describedby="hint";
            }
            input type="hidden" name="next" value=(next);
            p { button.first { "Sign in" } }
            p #hint { "Whoever can reach Redis makes one:" }
            pre { code { "dayfly tokens create --owner ada --scopes read,submit,cancel,admin" } }
            p { small { "The browser keeps a session of twelve hours, never the token. Revoking the token ends it." } }
        }
    };
    Page {
        up: "./",
        title: "Sign in".to_owned(),
        path: "/login".to_owned(),
        body,
        who: None,
        every_ms: None,
        status: 200,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_leads_to_own_pages_only() {
        for good in ["", "jobs", "jobs?q=state%3Afailed", "jobs/0198c0de", "tasks/a?x=//b"] {
            assert!(is_next(good), "{good}");
        }
        for bad in [
            "/evil.example",
            "//evil.example",
            "https://evil.example",
            "login",
            "jobs/x/y",
            "javascript:alert(1)",
            "jobs?a b",
            "v1/jobs",
        ] {
            assert!(!is_next(bad), "{bad}");
        }
    }
}
