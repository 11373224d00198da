//! The cookie of somebody who signed in with a browser. It holds a secret of its own, never the token.
//!
//! A browser sends it by itself, so it must not let foreign pages act: `SameSite=Strict` keeps it at home, and a request that changes
//! something must say that it comes from a page of this very server. (`origin.rs` has refused foreign pages before; here
//! also one of `cors_origins` is foreign, and so is who says nothing.)

use crate::{
    error::{Code, Problem},
    origin::Rules,
};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use dayfly_common::{model::Token, queue::SESSION_MS};

const NAME: &str = "dayfly_session";

/// The cookie that sets a session. Without `Path`: the browser takes the folder of `/login`, whatever a proxy puts before it.
pub(crate) fn cookie(session: &Token, secure: bool) -> Option<HeaderValue> {
    let seconds = SESSION_MS / 1_000;
    set(&format!("{}; Max-Age={seconds}", session.reveal()), secure)
}

/// The cookie that takes it away.
pub(crate) fn no_cookie(secure: bool) -> Option<HeaderValue> {
    set("; Max-Age=0", secure)
}

fn set(value: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let mut cookie = HeaderValue::from_str(&format!("{NAME}={value}; HttpOnly; SameSite=Strict{secure}")).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

/// The session that a request shows.
pub(super) fn presented(headers: &HeaderMap) -> Option<Token> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('=')?.parse().ok())
}

/// Refuses a change that is not asked for by a page of this server.
pub(super) fn own_page_only(method: &Method, headers: &HeaderMap, rules: &Rules) -> Result<(), Problem> {
    let own_site = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    // Any other origin than an allowed one or this server's own was refused before.
    let own_origin = headers.contains_key(header::ORIGIN) && rules.allowed_origin(headers).is_none();
    if method.is_safe() || own_site || own_origin {
        return Ok(());
    }
    let detail = "A session of a browser is for this server's own pages: the request does not say that it comes from one. \
                  Programs send `Authorization: Bearer dfly_..` instead.";
    Err(Problem::new(Code::Forbidden, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(header::HeaderName, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn a_cookie_reads_back_among_others() {
        let session = Token::random();
        let set = cookie(&session, true).unwrap();
        let text = set.to_str().unwrap();
        assert!(
            text.ends_with("; Max-Age=43200; HttpOnly; SameSite=Strict; Secure") && !text.contains("Path"),
            "{text}"
        );
        assert!(!cookie(&session, false).unwrap().to_str().unwrap().contains("Secure"));
        let pair = text.split(';').next().unwrap();
        let read = presented(&of(&[(header::COOKIE, &format!("a=b; {pair}; c=d"))])).unwrap();
        assert_eq!(read.reveal(), session.reveal());
        for none in ["", "a=b", "dayfly_session=", "dayfly_session=x", "xdayfly_session=y"] {
            assert!(presented(&of(&[(header::COOKIE, none)])).is_none(), "{none}");
        }
        assert!(no_cookie(false).unwrap().to_str().unwrap().starts_with("dayfly_session=; Max-Age=0;"));
    }

    #[test]
    fn a_change_must_come_from_an_own_page() {
        let rules =
            Rules { on_loopback: true, hosts: Vec::new(), cors_origins: vec!["https://app.example".to_owned()] };
        let site = header::HeaderName::from_static("sec-fetch-site");
        for (lines, passes) in [
            (vec![], false),
            (vec![(header::ORIGIN, "http://localhost:8080")], true),
            (vec![(header::ORIGIN, "https://app.example")], false),
            (vec![(header::ORIGIN, "https://app.example"), (site.clone(), "same-site")], false),
            (vec![(site.clone(), "same-origin")], true),
            (vec![(site, "none")], false),
        ] {
            assert_eq!(own_page_only(&Method::POST, &of(&lines), &rules).is_ok(), passes, "{lines:?}");
            assert!(own_page_only(&Method::GET, &of(&lines), &rules).is_ok());
        }
    }
}
