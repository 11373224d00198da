//! Where the queue's server is found, as the URL says it: one server, sentinels that know it, or nodes of a cluster.
//!
//! What is wrong with a URL is said without repeating it: it may hold passwords.

use crate::model::hint;
use redis::{ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo};

/// Every form of a URL.
const FORMS: &str = "redis://HOST:6379/0, redis://USER:PASSWORD@HOST:6379/0, redis+unix:///PATH/TO/SOCKET, \
                     redis-sentinel://HOST:26379,HOST:26379/0?master=NAME or redis-cluster://HOST:6379,HOST:6379";
const SENTINEL_PORT: u16 = 26_379;
const SERVER_PORT: u16 = 6_379;
const SCHEMES: [&str; 5] = ["redis", "redis+unix", "redis-sentinel", "redis-cluster", "valkey"];
const OPTIONS: [&str; 3] = ["master", "sentinel_user", "sentinel_password"];

/// Where the server is found.
#[derive(Debug, Clone)]
pub(crate) enum Servers {
    /// It is this one.
    One(Box<ConnectionInfo>),
    /// Sentinels know it.
    Sentinels(Sentinels),
    /// The nodes of a cluster know it.
    Cluster(Vec<ConnectionInfo>),
}

/// Sentinels, and what they are asked.
#[derive(Debug, Clone)]
pub(crate) struct Sentinels {
    /// Where they are, and as whom they are asked.
    pub(crate) sentinels: Vec<ConnectionInfo>,
    /// The name under which they watch the server.
    pub(crate) master: String,
    /// The user and the database of the server itself.
    pub(crate) server: RedisConnectionInfo,
}

impl Servers {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it and what to write instead; to be read after the URL or the setting's name.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| format!("is not a Redis URL: write {FORMS}"))?;
        match scheme {
            "redis" | "valkey" => {
                let (list, _, _) = parts(rest);
                if list.contains(',') {
                    return Err(
                        "names several addresses: begin it with redis-sentinel:// when they are sentinels, with \
                                redis-cluster:// when they are nodes of a cluster"
                            .to_owned(),
                    );
                }
                one(url)
            }
            "redis+unix" | "valkey+unix" | "unix" => one(url),
            "redis-sentinel" => sentinels(rest),
            "redis-cluster" => cluster(rest),
            "rediss" | "valkeys" | "rediss-sentinel" | "rediss-cluster" => {
                Err(format!("asks for TLS, which this version does not speak with Redis yet: write {FORMS}"))
            }
            other => Err(format!("is not a Redis URL{}: write {FORMS}", hint(other, SCHEMES))),
        }
    }
}

/// `user:password@`, or nothing; the addresses; the path; the query.
fn parts(rest: &str) -> (&str, &str, (&str, Option<&str>)) {
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let at = authority.rfind('@').map_or(0, |at| at + 1);
    (&authority[at..], &authority[..at], (path, query))
}

fn one(url: &str) -> Result<Servers, String> {
    let info = url.into_connection_info().map_err(|_| format!("is not a Redis URL: write {FORMS}"))?;
    Ok(Servers::One(Box::new(info)))
}

fn sentinels(rest: &str) -> Result<Servers, String> {
    let (list, user, (path, query)) = parts(rest);
    let path = path.trim_end_matches('/');
    if path.parse::<u32>().is_err() && !path.is_empty() {
        return Err("must have the number of a database after the addresses, or nothing: .../0?master=NAME".to_owned());
    }
    let options = options(query.unwrap_or_default())?;
    let option = |name: &str| options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let Some(master) = option("master").filter(|name| !name.is_empty()) else {
        return Err("does not say under which name the sentinels watch the server: end it with ?master=NAME".to_owned());
    };
    let mut own = RedisConnectionInfo::default();
    if let Some(password) = option("sentinel_password") {
        own = own.set_password(password);
    }
    if let Some(name) = option("sentinel_user") {
        if option("sentinel_password").is_none() {
            return Err(
                "has a `sentinel_user` without a `sentinel_password`: give both, or the password alone".to_owned()
            );
        }
        own = own.set_username(name);
    }
    let servers = addresses(list, user, path, SENTINEL_PORT)?;
    let server = servers[0].redis_settings().clone();
    let sentinels = servers.into_iter().map(|info| info.set_redis_settings(own.clone())).collect();
    Ok(Servers::Sentinels(Sentinels { sentinels, master: master.to_owned(), server }))
}

fn cluster(rest: &str) -> Result<Servers, String> {
    let (list, user, (path, query)) = parts(rest);
    if !matches!(path, "" | "0" | "0/") {
        return Err("names a database, and a cluster has only 0: leave it out".to_owned());
    }
    if query.is_some_and(|query| !query.is_empty()) {
        return Err("ends with options, and a cluster has none: leave out what follows the `?`".to_owned());
    }
    Ok(Servers::Cluster(addresses(list, user, "0", SERVER_PORT)?))
}

/// At least one. The addresses are not repeated in a fault: a `/` in a password makes an address of its first half.
fn addresses(list: &str, user: &str, database: &str, port: u16) -> Result<Vec<ConnectionInfo>, String> {
    let database = if database.is_empty() { "0" } else { database };
    let mut all = Vec::new();
    for (at, address) in list.split(',').enumerate() {
        let (host, given) = match address.rsplit_once(':') {
            Some((host, port)) if !address.ends_with(']') => (host, Some(port)),
            Some(_) | None => (address, None),
        };
        let port = given.map_or(Ok(port), str::parse::<u16>);
        let bare = host.contains(':') && !host.starts_with('[');
        let info = port
            .ok()
            .filter(|port| *port > 0 && !host.is_empty() && !bare)
            .and_then(|port| format!("redis://{user}{host}:{port}/{database}").into_connection_info().ok());
        all.push(info.ok_or_else(|| {
            format!(
                "has no usable address {} in its list: write HOST:PORT,HOST:PORT (in a user or password %2F for `/`, %40 \
                 for `@`, %3F for `?`)",
                at + 1
            )
        })?);
    }
    Ok(all)
}

fn options(query: &str) -> Result<Vec<(String, String)>, String> {
    // In forms a `+` is a blank; in a password it is itself.
    let query = query.replace('+', "%2B");
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if !OPTIONS.contains(&key.as_ref()) {
            let hint = hint(&key, OPTIONS);
            return Err(format!("has an option that sentinels do not take{hint}: they take {}", OPTIONS.join(", ")));
        }
        if all.iter().any(|(known, _)| *known == key) {
            return Err(format!("gives `{key}` twice"));
        }
        all.push((key.into_owned(), value.into_owned()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::ConnectionAddr;

    fn shown(infos: &[ConnectionInfo]) -> Vec<String> {
        infos.iter().map(|info| info.addr().to_string()).collect()
    }

    #[test]
    fn a_set_of_sentinels_is_read_whole() {
        let url = "redis-sentinel://ada:p%40ss%2C@a:1,[::1]:2,c/3?master=my.master&sentinel_user=eve&sentinel_password=x%26+y";
        let Servers::Sentinels(set) = Servers::parse(url).unwrap() else { panic!("not sentinels") };
        assert_eq!(shown(&set.sentinels), ["a:1", "::1:2", "c:26379"]);
        assert_eq!(set.sentinels[1].addr(), &ConnectionAddr::Tcp("::1".to_owned(), 2));
        assert_eq!(set.master, "my.master");
        let server = &set.server;
        assert_eq!((server.username(), server.password(), server.db()), (Some("ada"), Some("p@ss,"), 3));
        for sentinel in &set.sentinels {
            let own = sentinel.redis_settings();
            assert_eq!((own.username(), own.password(), own.db()), (Some("eve"), Some("x&+y"), 0));
        }
    }

    #[test]
    fn sentinels_are_asked_without_the_password_of_the_server() {
        let Servers::Sentinels(set) = Servers::parse("redis-sentinel://:secret@a?master=m").unwrap() else { panic!() };
        assert_eq!(set.server.password(), Some("secret"));
        assert_eq!(set.sentinels[0].redis_settings().password(), None);
    }

    #[test]
    fn the_nodes_of_a_cluster_are_read() {
        for url in ["redis-cluster://u:p@a,b:7001", "redis-cluster://u:p@a,b:7001/", "redis-cluster://u:p@a,b:7001/0"] {
            let Servers::Cluster(nodes) = Servers::parse(url).unwrap() else { panic!("{url}") };
            assert_eq!(shown(&nodes), ["a:6379", "b:7001"]);
            assert_eq!(nodes[1].redis_settings().password(), Some("p"));
        }
    }

    #[test]
    fn a_fault_says_what_to_write_and_no_secret() {
        for (url, said) in [
            ("redis-sentinel://u:s3cret@a:1,b:2/0", "?master=NAME"),
            ("redis-sentinel://u:s3cret@a:1/0?mastr=m", "did you mean `master`"),
            ("redis-sentinel://u:s3cret@a:1/0?master=m&master=n", "twice"),
            ("redis-sentinel://u:s3cret@a:1/x?master=m", "number of a database"),
            ("redis-sentinel://a:1?master=m&sentinel_user=u", "sentinel_password"),
            ("redis-sentinel://u:s3cret@a:1,,b/0?master=m", "address 2"),
            ("redis-sentinel://u:s3/cret@a:1?master=m", "database"),
            ("redis-sentinel://u:s3/0?master=m", "address 1"),
            ("redis-sentinel://a:0/0?master=m", "address 1"),
            ("redis-sentinel://::1:5/0?master=m", "address 1"),
            ("redis-cluster://", "address 1"),
            ("redis-cluster://a:/0", "address 1"),
            ("redis-cluster://u:s3cret@a/1", "only 0"),
            ("redis-cluster://u:s3cret@a?master=m", "leave out"),
            ("redis://u:s3cret@a:1,b:2/0", "redis-sentinel://"),
            ("rediss-sentinel://u:s3cret@a?master=m", "TLS"),
            ("rediss://u:s3cret@a", "TLS"),
            ("redis-sentinels://u:s3cret@a", "did you mean `redis-sentinel`"),
            ("localhost:6379", "redis://HOST:6379/0"),
        ] {
            let fault = Servers::parse(url).expect_err(url);
            assert!(fault.contains(said), "{url}: {fault}");
            assert!(!fault.contains("s3"), "{url}: {fault}");
        }
    }
}
