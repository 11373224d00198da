//! Who may be behind a request: the defence against web pages that make a browser speak to this server.
//!
//! - DNS rebinding: a page's own name is made to point at 127.0.0.1. A server on loopback therefore answers only to
//!   names of loopback.
//! - Cross-site requests: a browser sends `Origin` with what a page of another site started. On methods that change
//!   something it must be this server's own.

use crate::error::{Code, Problem};
use axum::http::{HeaderMap, Method, Uri, header, uri::Authority};
use std::net::IpAddr;

/// Refuses a request that a foreign page may have made.
pub(crate) fn check(method: &Method, uri: &Uri, headers: &HeaderMap, on_loopback: bool) -> Result<(), Problem> {
    let host = host(uri, headers)?;
    if on_loopback && !is_loopback_name(host.host()) {
        let detail = format!(
            "This server listens on loopback and answers only to names of loopback, not to `{host}`: use localhost, \
             127.0.0.1 or [::1]. (A proxy in front of it must set the Host header to one of these.)"
        );
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| !method.is_safe()) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    if same_site(origin, &host) {
        return Ok(());
    }
    let shown: String = origin.chars().take(80).collect();
    let detail = format!("The request comes from a page of `{shown}`, which is not this server (`{host}`).");
    Err(Problem::new(Code::Forbidden, detail))
}

/// The host the client meant: of an absolute target, else of the `Host` header.
fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    if let Some(authority) = uri.authority() {
        return Ok(authority.clone());
    }
    let mut values = headers.get_all(header::HOST).iter();
    match (values.next().and_then(|value| value.to_str().ok()?.parse().ok()), values.next()) {
        (Some(authority), None) => Ok(authority),
        (Some(_) | None, _) => {
            Err(Problem::new(Code::Forbidden, "The request needs one `Host` header with a host's name."))
        }
    }
}

fn is_loopback_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an `Origin` is this host. Its scheme is not known here (TLS may end at a proxy), its port is.
fn same_site(origin: &str, host: &Authority) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(authority) = rest.parse::<Authority>() else { return false };
    authority.host().eq_ignore_ascii_case(host.host())
        && authority.port_u16().unwrap_or(usual) == host.port_u16().unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn asked(method: &Method, host: &str, origin: Option<&str>, on_loopback: bool) -> bool {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| headers.insert(name, HeaderValue::from_str(value).unwrap());
        set(header::HOST, host);
        origin.map(|origin| set(header::ORIGIN, origin));
        check(method, &Uri::from_static("/v1/jobs"), &headers, on_loopback).is_ok()
    }

    #[test]
    fn on_loopback_only_its_names_are_answered() {
        for host in
            ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:80", "a.localhost", "localhost."]
        {
            assert!(asked(&Method::POST, host, None, true), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "[::2]", "127.0.0.1.example.com"] {
            assert!(!asked(&Method::GET, host, None, true), "{host}");
            assert!(asked(&Method::POST, host, None, false), "{host}");
        }
        assert!(!asked(&Method::POST, "a b", None, false));
        assert!(check(&Method::GET, &Uri::from_static("/"), &HeaderMap::new(), false).is_err());
    }

    #[test]
    fn a_foreign_origin_changes_nothing() {
        let host = "localhost:8080";
        for origin in ["http://localhost:8080", "http://LOCALHOST:8080"] {
            assert!(asked(&Method::POST, host, Some(origin), true), "{origin}");
        }
        for origin in ["null", "http://localhost:9090", "http://localhost", "https://evil.example", "file://", ""] {
            assert!(!asked(&Method::POST, host, Some(origin), true), "{origin}");
            assert!(asked(&Method::GET, host, Some(origin), true), "{origin}");
        }
        assert!(asked(&Method::DELETE, "example.com", Some("https://example.com"), false));
        assert!(asked(&Method::PUT, "example.com:443", Some("https://example.com"), false));
        assert!(!asked(&Method::PATCH, "example.com", Some("https://other.com"), false));
    }
}
