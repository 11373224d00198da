//! The keys of `[api]` that say how its listener treats whoever connects.

use super::{Faults, ListenerConfig, TlsFiles, daemons::path, section::Section, value::Raw};
use ipnet::IpNet;
use std::{net::IpAddr, path::Path};

const MOST_CONNECTIONS: i64 = 1_000_000;
const SHORTEST_TIMEOUT_MS: u64 = 100;
const LONGEST_TIMEOUT_MS: u64 = 3_600_000;

pub(super) fn listener(section: &mut Section<'_>, faults: &mut Faults, base_dir: &Path) -> ListenerConfig {
    let usual = ListenerConfig::default();
    let count = |raw: Raw<'_>| raw.integer(&(1..=MOST_CONNECTIONS)).map(|count| usize::try_from(count).unwrap_or(1));
    ListenerConfig {
        max_connections: section.read_or("max_connections", faults, usual.max_connections, count),
        max_requests: section.read_or("max_requests", faults, usual.max_requests, count),
        head_timeout_ms: section.read_or("head_timeout", faults, usual.head_timeout_ms, timeout),
        idle_timeout_ms: section.read_or("idle_timeout", faults, usual.idle_timeout_ms, timeout),
        tls: tls(section, faults, base_dir),
        trusted_proxies: section.read_or("trusted_proxies", faults, Vec::new(), |raw| each(raw, network)),
        hosts: section.read_or("hosts", faults, Vec::new(), |raw| each(raw, host)),
        cors_origins: section.read_or("cors_origins", faults, Vec::new(), |raw| each(raw, origin)),
        access_log: section.read_or("access_log", faults, usual.access_log, Raw::boolean),
    }
}

fn timeout(raw: Raw<'_>) -> Result<u64, String> {
    match raw.duration()? {
        ms if (SHORTEST_TIMEOUT_MS..=LONGEST_TIMEOUT_MS).contains(&ms) => Ok(ms),
        _ => Err("must be from 100ms to 1h".to_owned()),
    }
}

/// Both files or none.
fn tls(section: &mut Section<'_>, faults: &mut Faults, base_dir: &Path) -> Option<TlsFiles> {
    let cert = section.read("tls_cert", faults, |raw| path(raw, base_dir));
    let key = section.read("tls_key", faults, |raw| path(raw, base_dir));
    match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.value, key: key.value }),
        (Some(cert), None) => {
            section.fault(faults, &cert.place, "tls_cert", "needs `tls_key`, the file of its private key, beside it");
            None
        }
        (None, Some(key)) => {
            section.fault(faults, &key.place, "tls_key", "needs `tls_cert`, the file of its certificates, beside it");
            None
        }
        (None, None) => None,
    }
}

/// A list: in the file an array, in a variable words between commas. All that cannot be read is told.
fn each<T>(raw: Raw<'_>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let words = match raw {
        Raw::Text(text) => text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect(),
        Raw::Toml(_) => raw.texts(false)?,
    };
    let mut whys = Vec::new();
    let mut read = Vec::new();
    for word in words {
        match parse(&word) {
            Ok(value) => read.push(value),
            Err(why) => whys.push(why),
        }
    }
    if whys.is_empty() { Ok(read) } else { Err(whys.join("; ")) }
}

fn network(word: &str) -> Result<IpNet, String> {
    let one = word.parse::<IpAddr>().ok().map(IpNet::from);
    one.or_else(|| word.parse().ok()).ok_or_else(|| {
        format!("`{word}` is not a network or an address: write it like 10.0.0.0/8, fd00::/8 or 192.0.2.7")
    })
}

/// A host's name or address, as it stands in a `Host` header without the port.
fn host(word: &str) -> Result<String, String> {
    let wrong =
        |why: &str| Err(format!("`{word}` {why}: write a name like dayfly.example or an address like [fd00::1]"));
    if word == "*" {
        return wrong("would let any web page's own name point at this server, which is what `hosts` is to prevent");
    }
    let address = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = address {
        return if address.parse::<std::net::Ipv6Addr>().is_ok() {
            Ok(word.to_lowercase())
        } else {
            wrong("is no host")
        };
    }
    if word.contains("://") || word.contains('/') {
        return wrong("is a URL, not a host");
    }
    if word.contains(':') {
        return wrong("names a port (any port is meant) or lacks brackets");
    }
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if word.is_empty() || word.len() > 253 || !word.bytes().all(usual) {
        return wrong("is no host");
    }
    Ok(word.trim_end_matches('.').to_lowercase())
}

/// An origin as browsers write it: scheme, host, and the port unless it is the usual one.
fn origin(word: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("`{word}` {why}: name each origin whole, like https://app.example"));
    if word.contains('*') {
        return wrong("would let the pages of strangers read and submit jobs from their visitors' browsers");
    }
    if word == "null" {
        return wrong("is the origin of any sandboxed page, a stranger's too");
    }
    let Some((scheme, rest)) = word.split_once("://") else { return wrong("is not an origin") };
    let usual_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return wrong("is neither http:// nor https://"),
    };
    if rest.contains(['/', '?', '#', '@']) {
        return wrong("has more than scheme, host and port");
    }
    let (host_part, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        Some(_) | None => (rest, None),
    };
    if host(host_part).is_err() || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return wrong("has no host, or a port that is none");
    }
    Ok(word.strip_suffix(usual_port).unwrap_or(word).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_whole_and_exact() {
        for (word, is) in [
            ("https://app.example", "https://app.example"),
            ("https://App.Example:443", "https://app.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(origin(word), Ok(is.to_owned()));
        }
        for (word, says) in [
            ("*", "strangers"),
            ("https://*.example", "strangers"),
            ("null", "sandboxed"),
            ("app.example", "is not an origin"),
            ("https://app.example/", "more than"),
            ("https://", "no host"),
            ("https://a:b", "no host"),
            ("file://x", "neither"),
        ] {
            let why = origin(word).expect_err(word);
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn hosts_have_neither_scheme_nor_port() {
        assert_eq!(host("Dayfly.Example."), Ok("dayfly.example".to_owned()));
        assert_eq!(host("[FD00::1]"), Ok("[fd00::1]".to_owned()));
        for word in ["*", "https://a", "a:80", "::1", "", "a b", "[a]"] {
            assert!(host(word).is_err(), "{word}");
        }
    }

    #[test]
    fn a_variable_separates_by_commas_and_every_fault_is_told() {
        let read = each(Raw::Text("10.0.0.0/8, 192.0.2.7,"), network).expect("networks");
        assert!(read[0].contains(&IpAddr::from([10, 9, 8, 7])) && !read[1].contains(&IpAddr::from([192, 0, 2, 8])));
        let why = each(Raw::Text("10.0.0.0/99,x"), network).expect_err("faults");
        assert!(why.contains("`10.0.0.0/99`") && why.contains("`x`"), "{why}");
    }
}
