//! Who asks, and by what name: as the connection has it, or as a trusted proxy in front says.
//!
//! `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (RFC 7239) are believed only of `trusted_proxies`, which must set
//! or remove them: a proxy passes on what its client sent otherwise. Where both kinds are there and do not agree, one of
//! them was not written by the proxy, so neither is believed.

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origins {
    /// The client's address, as far as it is known.
    pub(crate) client: IpAddr,
    /// The host that a proxy was asked for.
    pub(crate) host: Option<String>,
    /// Whether the client speaks TLS; `None` when a proxy that is not known here may stand between.
    pub(crate) secure: Option<bool>,
}

/// What one kind of header says. `None`: nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    client: Option<IpAddr>,
    host: Option<String>,
    secure: Option<bool>,
}

/// Reads them.
pub(crate) fn origins(headers: &HeaderMap, peer: IpAddr, tls: bool, trusted: &[IpNet]) -> Origins {
    let plain = Origins { client: peer, host: None, secure: tls.then_some(true) };
    if !trusts(trusted, peer) {
        return plain;
    }
    let (usual, standard) = (by_x_headers(headers, trusted), by_forwarded(headers, trusted));
    let Said { client, host, secure } = match (usual, standard) {
        (Some(said), None) | (None, Some(said)) => said,
        (Some(one), Some(other)) if one == other => one,
        (Some(_), Some(_)) => {
            tracing::debug!(proxy = %peer, "X-Forwarded-* and Forwarded do not agree: neither is believed");
            return plain;
        }
        (None, None) => return plain,
    };
    Origins { client: client.unwrap_or(peer), host, secure: secure.or(plain.secure) }
}

fn trusts(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// All values of a list header, in order.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}

/// Walks from the nearest hop to the first that is not a trusted proxy: what lies beyond, anyone may have written.
/// Gives how many hops were believed, and the last of them that has an address.
fn walk(hops: &[&str], trusted: &[IpNet]) -> (usize, Option<IpAddr>) {
    let mut client = None;
    for (back, hop) in hops.iter().rev().enumerate() {
        let Some(address) = address(hop) else { return (back + 1, client) };
        client = Some(address);
        if !trusts(trusted, address) {
            return (back + 1, client);
        }
    }
    (hops.len(), client)
}

fn by_x_headers(headers: &HeaderMap, trusted: &[IpNet]) -> Option<Said> {
    let (hops, protos, hosts) = (values(headers, &FOR), values(headers, &PROTO), values(headers, &HOST));
    if hops.is_empty() && protos.is_empty() && hosts.is_empty() {
        return None;
    }
    let (believed, client) = walk(&hops, trusted);
    // A list of the same length has a value for each hop; else the nearest proxy's, the last, is the one to believe.
    let of_hop = |list: &[&str]| {
        let place = if list.len() == hops.len() { hops.len().checked_sub(believed) } else { list.len().checked_sub(1) };
        place.and_then(|place| list.get(place).map(|value| (*value).to_owned()))
    };
    Some(Said { client, host: of_hop(&hosts), secure: of_hop(&protos).as_deref().and_then(is_secure) })
}

fn is_secure(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Some(true),
        "http" => Some(false),
        _ => None,
    }
}

fn by_forwarded(headers: &HeaderMap, trusted: &[IpNet]) -> Option<Said> {
    let lines: Vec<&str> =
        headers.get_all(header::FORWARDED).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    if lines.is_empty() {
        return None;
    }
    let whole = lines.join(",");
    let elements: Vec<Vec<(&str, String)>> = split(&whole, ',').into_iter().map(pairs).collect();
    let find = |element: &[(&str, String)], name: &str| {
        element.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let hops: Vec<String> = elements.iter().map(|element| find(element, "for").unwrap_or_default()).collect();
    let hops: Vec<&str> = hops.iter().map(String::as_str).collect();
    let (believed, client) = walk(&hops, trusted);
    let element = elements.len().checked_sub(believed).and_then(|place| elements.get(place))?;
    Some(Said { client, host: find(element, "host"), secure: find(element, "proto").as_deref().and_then(is_secure) })
}

/// `for=192.0.2.60;proto=http;host="a:1"`
fn pairs(element: &str) -> Vec<(&str, String)> {
    let pairs = split(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), unquoted(value.trim()))).collect()
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut escaped = false;
    inner
        .chars()
        .filter(|&letter| {
            escaped = letter == '\\' && !escaped;
            !escaped
        })
        .collect()
}

/// Splits outside of quotes.
fn split(text: &str, by: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        let was_escaped = escaped;
        escaped = letter == '\\' && quoted && !was_escaped;
        if letter == '"' && !was_escaped {
            quoted = !quoted;
        }
        letter == by && !quoted
    })
    .collect()
}

/// An address with or without port and brackets; `None` for `unknown` and `_hidden`.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|whole| whole.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn asked(peer: &str, lines: &[(&str, &str)]) -> (String, Option<String>, Option<bool>) {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let found = origins(&headers, peer.parse().unwrap(), false, &trusted);
        (found.client.to_string(), found.host, found.secure)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let said =
            [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-host", "a.example"), ("x-forwarded-proto", "https")];
        assert_eq!(asked("10.1.1.1", &said), ("192.0.2.1".into(), Some("a.example".into()), Some(true)));
        assert_eq!(asked("192.0.2.9", &said), ("192.0.2.9".into(), None, None));
        let said = [("forwarded", "for=\"[2001:db8::1]:99\";proto=http;host=\"a.example:1\"")];
        assert_eq!(asked("fd00::1", &said), ("2001:db8::1".into(), Some("a.example:1".into()), Some(false)));
        assert_eq!(asked("192.0.2.9", &said), ("192.0.2.9".into(), None, None));
    }

    #[test]
    fn the_nearest_that_is_no_proxy_is_the_client() {
        for (hops, client) in [
            ("1.1.1.1, 192.0.2.1", "192.0.2.1"),
            ("1.1.1.1, 192.0.2.1:4711, 10.0.0.2,10.0.0.3", "192.0.2.1"),
            ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
            ("1.1.1.1, unknown", "10.9.9.9"),
            ("1.1.1.1, _x, 10.0.0.2", "10.0.0.2"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("", "10.9.9.9"),
        ] {
            assert_eq!(asked("10.9.9.9", &[("x-forwarded-for", hops)]).0, client, "{hops}");
        }
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(asked("10.9.9.9", &lines).0, "192.0.2.1", "a client's own line stands before the proxy's");
    }

    #[test]
    fn names_and_schemes_are_those_of_the_believed_hop() {
        let lines = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.2"),
            ("x-forwarded-host", "evil.example, a.example, inner"),
            ("x-forwarded-proto", "http"),
        ];
        assert_eq!(asked("10.9.9.9", &lines), ("192.0.2.1".into(), Some("a.example".into()), Some(false)));
        let line = "for=6.6.6.6;host=evil.example, for=192.0.2.1;host=a.example;proto=https, for=10.0.0.2;host=inner";
        let found = asked("10.9.9.9", &[("forwarded", line)]);
        assert_eq!(found, ("192.0.2.1".into(), Some("a.example".into()), Some(true)));
    }

    #[test]
    fn two_kinds_that_disagree_are_both_passed_over() {
        let usual = ("x-forwarded-for", "192.0.2.1");
        assert_eq!(asked("10.9.9.9", &[usual, ("forwarded", "for=192.0.2.1")]).0, "192.0.2.1");
        assert_eq!(asked("10.9.9.9", &[usual, ("forwarded", "for=192.0.2.2")]).0, "10.9.9.9");
        assert_eq!(asked("10.9.9.9", &[usual, ("forwarded", "for=192.0.2.1;host=evil")]).0, "10.9.9.9");
    }

    #[test]
    fn quotes_are_read() {
        assert_eq!(split("a=\"x,\\\"y\",b", ','), ["a=\"x,\\\"y\"", "b"]);
        assert_eq!(unquoted("\"a\\\"b\\\\\""), "a\"b\\");
    }
}
