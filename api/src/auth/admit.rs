//! From a request's head to who asks, or to the 401 or 403 that it gets.

use super::{
    Principal,
    bearer::{Presented, presented},
    scopes,
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
        Presented::Token(token) => match check(app, &token).await? {
            Ok(record) => return with_scope(&record, method, path).map(Some),
            Err(refused) => refused,
        },
        Presented::Nothing => {
            Refused::new(None, "This server asks for a token: send `Authorization: Bearer dfly_..`.".to_owned())
        }
        Presented::Unusable(why) => {
            let detail = format!("{why}: send one header `Authorization: Bearer dfly_..`.");
            Refused::new(Some("invalid_request"), detail)
        }
    };
    // Where nobody is asked for a token, a wrong one does no harm: clients may be set up for several servers.
    if app.known.is_open(app).await? { Ok(Some(Principal::anyone())) } else { Err(refused.problem()) }
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
async fn check(app: &App, token: &Token) -> Result<Result<std::sync::Arc<TokenRecord>, Refused>, Problem> {
    let (record, now) = app.known.token(&app.queue, token.id()).await?;
    let refused = |detail: String| Ok(Err(Refused::new(Some("invalid_token"), detail)));
    // The id is no secret, so the digests decide; the rest is told to none but the token's bearer.
    let Some(record) = record.filter(|record| record.digest.is(&token.digest())) else {
        return refused("This token is not known here.".to_owned());
    };
    match record.state(now) {
        TokenState::Active => Ok(Ok(record)),
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
