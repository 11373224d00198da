//! Who may be behind a request: the defence against web pages that make a browser speak to this server.
//!
//! - DNS rebinding: a page's own name is made to point at this server. So only the names in `hosts` are answered; where
//!   none are given and the server listens on loopback, only names of loopback.
//! - Cross-site requests: a browser tells by `Origin`, `Sec-Fetch-Site` and `Referer` which page started a request. Of
//!   methods that change something, the page must be this server's own or one of `cors_origins`.

use crate::error::{Code, Problem};
use axum::http::{HeaderMap, HeaderName, Method, Uri, header, uri::Authority};
use std::net::IpAddr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is answered here.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Listens on loopback only.
    pub(crate) on_loopback: bool,
    /// Lower case, without ports.
    pub(crate) hosts: Vec<String>,
    /// Lower case, without usual ports.
    pub(crate) cors_origins: Vec<String>,
}

impl Rules {
    /// The origin of an allowed foreign page, when the request is one's.
    pub(crate) fn allowed_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let origin = values.next()?.to_str().ok()?;
        let listed = self.cors_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
        (listed && values.next().is_none()).then_some(origin)
    }
}

/// A request as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// The host that a trusted proxy was asked for.
    pub(crate) forwarded_host: Option<&'a str>,
    /// Whether the client speaks TLS, where that is known.
    pub(crate) secure: Option<bool>,
}

/// Refuses a request that a foreign page may have made.
pub(crate) fn check(asked: Asked<'_>, rules: &Rules) -> Result<(), Problem> {
    let host = asked.host()?;
    check_host(&host, rules)?;
    if asked.method.is_safe() || rules.allowed_origin(asked.headers).is_some() {
        return Ok(());
    }
    let Some(page) = foreign_page(asked, &host) else { return Ok(()) };
    let shown: String = page.chars().take(80).collect();
    let detail = format!(
        "The request comes from a page of `{shown}`, which is not this server (`{host}`). Pages that may use it are named \
         in `cors_origins` in the section [api] of its configuration."
    );
    Err(Problem::new(Code::Forbidden, detail))
}

fn check_host(host: &Authority, rules: &Rules) -> Result<(), Problem> {
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    if rules.hosts.contains(&name) {
        return Ok(());
    }
    let detail = match (rules.on_loopback, rules.hosts.is_empty()) {
        (true, _) if is_loopback_name(host.host()) => return Ok(()),
        (false, true) => return Ok(()),
        (true, true) => format!(
            "This server listens on loopback and answers only to names of loopback, not to `{host}`: use localhost, \
             127.0.0.1 or [::1]. (A name that a proxy in front of it is asked for goes into `hosts` in the section [api] \
             of its configuration.)"
        ),
        (_, false) => format!(
            "This server does not answer to `{host}`: its names are those of `hosts` in the section [api] of its \
             configuration."
        ),
    };
    Err(Problem::new(Code::Forbidden, detail))
}

/// The page that started the request, when it is another's. Programs that are no browsers name none.
fn foreign_page<'a>(asked: Asked<'a>, host: &Authority) -> Option<&'a str> {
    let text = |name: &HeaderName| asked.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let mut origins = asked.headers.get_all(header::ORIGIN).iter().map(|value| value.to_str().unwrap_or("?"));
    let origin = origins.next();
    if let Some(origin) = origin
        && (origins.next().is_some() || !same_site(origin, host, asked.secure))
    {
        return Some(origin);
    }
    // `none` is what the user typed; of pages only this server's own.
    if text(&SEC_FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none") {
        return Some(origin.or_else(|| text(&header::REFERER)).unwrap_or("another site"));
    }
    let referer = text(&header::REFERER).filter(|_| origin.is_none())?;
    // Of a page's address only the origin counts.
    let end = referer.find("://").map_or(0, |colon| colon + 3);
    let rest = &referer[end..];
    let page = &referer[..end + rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    (!same_site(page, host, asked.secure)).then_some(page)
}

impl Asked<'_> {
    /// The host the client meant: as a trusted proxy says, else of an absolute target, else of the `Host` header.
    fn host(self) -> Result<Authority, Problem> {
        let one = || Problem::new(Code::Forbidden, "The request needs one `Host` header with a host's name.");
        if let Some(forwarded) = self.forwarded_host {
            return forwarded.parse().map_err(|_| one());
        }
        if let Some(authority) = self.uri.authority() {
            return Ok(authority.clone());
        }
        let mut values = self.headers.get_all(header::HOST).iter();
        match (values.next().and_then(|value| value.to_str().ok()?.parse().ok()), values.next()) {
            (Some(authority), None) => Ok(authority),
            (Some(_) | None, _) => Err(one()),
        }
    }
}

fn is_loopback_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an origin is this host. Its scheme may not be known here (TLS may end at a proxy), its port is.
fn same_site(origin: &str, host: &Authority, secure: Option<bool>) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let (usual, over_tls) = match scheme {
        "http" => (80, false),
        "https" => (443, true),
        _ => return false,
    };
    let Ok(authority) = rest.parse::<Authority>() else { return false };
    secure.is_none_or(|secure| secure == over_tls)
        && authority.host().eq_ignore_ascii_case(host.host())
        && authority.port_u16().unwrap_or(usual) == host.port_u16().unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn rules(on_loopback: bool, hosts: &[&str]) -> Rules {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Rules { on_loopback, hosts, cors_origins: vec!["https://app.example".to_owned()] }
    }

    fn passes(method: &Method, host: &str, lines: &[(HeaderName, &str)], rules: &Rules, secure: Option<bool>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host)].iter().chain(lines) {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let uri = Uri::from_static("/v1/jobs");
        check(Asked { method, uri: &uri, headers: &headers, forwarded_host: None, secure }, rules).is_ok()
    }

    fn asked(method: &Method, host: &str, origin: Option<&str>, on_loopback: bool) -> bool {
        let lines: Vec<_> = origin.map(|origin| (header::ORIGIN, origin)).into_iter().collect();
        passes(method, host, &lines, &rules(on_loopback, &[]), None)
    }

    #[test]
    fn named_hosts_and_no_others_are_answered() {
        for on_loopback in [true, false] {
            let rules = rules(on_loopback, &["dayfly.example", "[fd00::1]"]);
            for host in ["dayfly.example", "DAYFLY.example.:8443", "[fd00::1]:80"] {
                assert!(passes(&Method::POST, host, &[], &rules, None), "{host}");
            }
            for host in ["evil.example", "a.dayfly.example", "10.0.0.1"] {
                assert!(!passes(&Method::GET, host, &[], &rules, None), "{host}");
            }
            assert_eq!(passes(&Method::GET, "localhost:8080", &[], &rules, None), on_loopback);
        }
    }

    #[test]
    fn a_known_scheme_counts() {
        let own = |origin, secure| {
            passes(&Method::POST, "a.example", &[(header::ORIGIN, origin)], &rules(false, &[]), secure)
        };
        for (origin, secure, passes) in [
            ("https://a.example", Some(true), true),
            ("http://a.example", Some(true), false),
            ("http://a.example", Some(false), true),
            ("http://a.example", None, true),
        ] {
            assert_eq!(own(origin, secure), passes, "{origin} {secure:?}");
        }
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
        let (uri, headers) = (Uri::from_static("/"), HeaderMap::new());
        let nameless = Asked { method: &Method::GET, uri: &uri, headers: &headers, forwarded_host: None, secure: None };
        assert!(check(nameless, &rules(false, &[])).is_err());
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
