//! From a request's head to who asks, or to the 401 or 403 that it gets.

use super::{
    Principal,
    bearer::{Presented, presented},
    scopes, session,
};
use crate::{
    app::App,
    error::{Code, Problem},
};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use dayfly_common::{
    model::{Scope, Token, format_rfc3339_ms},
    queue::{TokenRecord, TokenState},
};
use std::sync::Arc;

/// The way in.
const LOGIN: &str = "/login";

/// Who asks, if they may ask for this.
///
/// # Errors
/// 401 without a good token, 403 without the scope, 503 when Redis cannot be asked about the token.
pub(crate) async fn admit(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<Option<Principal>, Problem> {
    if scopes::is_open(path) {
        return Ok(None);
    }
    let refused = match presented(headers) {
        Presented::Token(token) => match check(app, &token, path).await? {
            Ok(record) => return with_scope(&record, method, path).map(Some),
            Err(refused) => refused,
        },
        Presented::Nothing => match session::presented(headers) {
            Some(cookie) => match check_session(app, &cookie, path).await? {
                Ok(record) => {
                    session::own_page_only(method, headers, &app.rules)?;
                    return with_scope(&record, method, path).map(Some);
                }
                Err(refused) => refused,
            },
            None => {
                Refused::new(None, "This server asks for a token: send `Authorization: Bearer dfly_..`.".to_owned())
            }
        },
        Presented::Unusable(why) => {
            let detail = format!("{why}: send one header `Authorization: Bearer dfly_..`.");
            Refused::new(Some("invalid_request"), detail)
        }
    };
    // Where nobody is asked for a token, a wrong one does no harm: clients may be set up for several servers.
    if app.known.is_open(app, path).await? { Ok(Some(Principal::anyone())) } else { Err(refused.problem()) }
}

/// Why a request is not let in.
struct Refused {
    /// A word of RFC 6750.
    error: Option<&'static str>,
    detail: String,
}

impl Refused {
    fn new(error: Option<&'static str>, detail: String) -> Self {
        Self { error, detail }
    }

    fn problem(self) -> Problem {
        let hint = "The operator of this server makes tokens by `dayfly tokens create`.";
        let challenge = match self.error {
            Some(error) => format!("Bearer realm=\"dayfly\", error=\"{error}\""),
            None => "Bearer realm=\"dayfly\"".to_owned(),
        };
        challenged(Problem::new(Code::Unauthorized, format!("{} {hint}", self.detail)), &challenge)
    }
}

/// The record of a good token.
async fn check(app: &App, token: &Token, path: &str) -> Result<Result<Arc<TokenRecord>, Refused>, Problem> {
    let (record, now) = app.known.token(&app.queue, token.id(), path).await?;
    // The id is no secret, so the digests decide; the rest is told to none but the token's bearer.
    let Some(record) = record.filter(|record| record.digest.is(&token.digest())) else {
        return Ok(Err(Refused::new(Some("invalid_token"), "This token is not known here.".to_owned())));
    };
    Ok(if_good(record, now))
}

/// The record of the token that a session stands for.
async fn check_session(app: &App, cookie: &Token, path: &str) -> Result<Result<Arc<TokenRecord>, Refused>, Problem> {
    let session = app.known.session(&app.queue, cookie.id()).await?;
    let over = || Ok(Err(Refused::new(Some("invalid_token"), "This session is over: sign in again.".to_owned())));
    let Some(session) = session.filter(|session| session.digest.is(&cookie.digest())) else { return over() };
    let (record, now) = app.known.token(&app.queue, &session.token, path).await?;
    record.map_or_else(over, |record| Ok(if_good(record, now)))
}

/// Whether anybody is asked for a token.
///
/// # Errors
/// Redis cannot be asked.
pub(crate) async fn asks(app: &App) -> Result<bool, Problem> {
    Ok(!app.known.is_open(app, LOGIN).await?)
}

/// Begins a session for the bearer of a token; gives its cookie's value.
///
/// # Errors
/// 401 of what is no good token, 503 when Redis is away.
pub(crate) async fn sign_in(app: &App, token: &str) -> Result<Token, Problem> {
    let Ok(token) = token.trim().parse::<Token>() else {
        let detail = "What was typed in is not a token of this kind of server (`dfly_..`).".to_owned();
        return Err(Refused::new(None, detail).problem());
    };
    let record = check(app, &token, LOGIN).await?.map_err(Refused::problem)?;
    let session = Token::random();
    app.queue.begin_session(&session, &record.id).await?;
    Ok(session)
}

/// Ends the session of a request, if it has one.
///
/// # Errors
/// Redis is away.
pub(crate) async fn sign_out(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(cookie) = session::presented(headers)
        && app.known.session(&app.queue, cookie.id()).await?.is_some_and(|kept| kept.digest.is(&cookie.digest()))
    {
        app.queue.end_session(cookie.id()).await?;
        app.known.forget_session(cookie.id());
    }
    Ok(())
}

fn if_good(record: Arc<TokenRecord>, now: i64) -> Result<Arc<TokenRecord>, Refused> {
    let refused = |detail: String| Err(Refused::new(Some("invalid_token"), detail));
    match record.state(now) {
        TokenState::Active => Ok(record),
        TokenState::Revoked => refused(format!("This token ({}) was revoked.", record.id)),
        TokenState::Expired => {
            let at = record.expires_at.map(format_rfc3339_ms).unwrap_or_default();
            refused(format!("This token ({}) was good until {at}.", record.id))
        }
    }
}

fn with_scope(record: &TokenRecord, method: &Method, path: &str) -> Result<Principal, Problem> {
    match scopes::needed(method, path) {
        Some(scope) if !record.scopes.has(scope) => Err(lacking(record, scope)),
        Some(_) | None => Ok(Principal::of_token(record)),
    }
}

fn lacking(record: &TokenRecord, scope: Scope) -> Problem {
    let (id, has) = (&record.id, record.scopes);
    let detail = format!(
        "This needs the scope `{scope}`, and the token {id} has `{has}` only. A token's scopes never change: \
         ask for another one."
    );
    let challenge = format!("Bearer realm=\"dayfly\", error=\"insufficient_scope\", scope=\"{scope}\"");
    challenged(Problem::new(Code::Forbidden, detail), &challenge)
}

fn challenged(problem: Problem, challenge: &str) -> Problem {
    match HeaderValue::from_str(challenge) {
        Ok(value) => problem.with_header(header::WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}
