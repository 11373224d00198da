//! `[redis]`, `[api]` and `[worker]`: what the daemons are told.

use super::{
    ApiConfig, Faults, Isolation, WorkerConfig, limits::at_least_one, listener::listener, section::Section, value::Raw,
};
use crate::queue::{RedisSettings, Servers};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

const MIB: u64 = 1 << 20;
/// What a Redis string holds at most; nothing kept in one may be larger.
pub(super) const LARGEST_VALUE: u64 = 512 * MIB;
const MAX_SLOTS: i64 = 1024;
const MOST_REPLICAS: i64 = 16;
/// Beyond 2^53 the numbers of the queue's functions have gaps.
const MOST_MEMORY: u64 = 1 << 53;
const SHORTEST_HEARTBEAT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 600_000;

pub(super) fn redis(mut section: Section<'_>, faults: &mut Faults) -> RedisSettings {
    let url = section.read_or("url", faults, "redis://127.0.0.1:6379/0".to_owned(), redis_url);
    let prefix = section.read_or("prefix", faults, "dayfly".to_owned(), prefix);
    let wait_replicas = section.read_or("wait_replicas", faults, 0, |raw| {
        raw.integer(&(0..=MOST_REPLICAS)).map(|number| u32::try_from(number).unwrap_or(0))
    });
    let require_durable = section.read_or("require_durable", faults, false, Raw::boolean);
    section.finish(faults, &[]);
    let command_deadline = Duration::from_millis(1_500);
    RedisSettings { url, prefix, pool_size: 16, command_deadline, wait_replicas, require_durable }
}

/// The URL may hold a password, so a fault does not repeat it.
fn redis_url(raw: Raw<'_>) -> Result<String, String> {
    let url = raw.word()?;
    Servers::parse(url).map(|_| url.to_owned())
}

fn prefix(raw: Raw<'_>) -> Result<String, String> {
    let prefix = raw.word()?;
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte);
    if prefix.len() <= 64 && prefix.bytes().all(usual) {
        Ok(prefix.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits, `_`, `-`, `.` or `:`".to_owned())
    }
}

pub(super) fn api(mut section: Section<'_>, faults: &mut Faults, base_dir: &Path) -> ApiConfig {
    let listen = section.read_or("listen", faults, SocketAddr::from(([127, 0, 0, 1], 8080)), address);
    let max_body = section.read_or("max_body", faults, MIB, |raw| at_most(raw.size()?, LARGEST_VALUE, "512MiB"));
    let max_wait_ms =
        section.read_or("max_wait", faults, 60_000, |raw| at_most(raw.duration()?, LONGEST_WAIT_MS, "10m"));
    let insecure = section.read_or("insecure", faults, false, Raw::boolean);
    let listener = listener(&mut section, faults, base_dir);
    section.finish(faults, &["max_file"]);
    ApiConfig { listen, max_body, max_wait_ms, insecure, listener }
}

fn address(raw: Raw<'_>) -> Result<SocketAddr, String> {
    let text = raw.word()?;
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    named.as_deref().unwrap_or(text).parse().map_err(|_| {
        format!("`{text}` is not an address with a port: write it like 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080")
    })
}

pub(super) fn at_most(value: u64, bound: u64, shown: &str) -> Result<u64, String> {
    if value <= bound { Ok(value) } else { Err(format!("must be at most {shown}")) }
}

pub(super) fn worker(mut section: Section<'_>, faults: &mut Faults, base_dir: &Path) -> WorkerConfig {
    let name = section.read_or("name", faults, host_name(), |raw| worker_name(raw.word()?));
    let slots = section.read_or("slots", faults, cores(), |raw| {
        raw.integer(&(1..=MAX_SLOTS)).map(|slots| u32::try_from(slots).unwrap_or(1))
    });
    let memory = section.read("memory", faults, |raw| at_most(at_least_one(raw.size()?)?, MOST_MEMORY, "8PiB"));
    let lease = section.read("lease_ttl", faults, Raw::duration);
    let beat = section.read("heartbeat", faults, |raw| match raw.duration()? {
        ms if ms >= SHORTEST_HEARTBEAT_MS => Ok(ms),
        _ => Err("must be at least 100ms".to_owned()),
    });
    let lease_ttl_ms = lease.as_ref().map_or(60_000, |lease| lease.value);
    let heartbeat_ms = beat.as_ref().map_or(1_000, |beat| beat.value);
    if lease_ttl_ms < heartbeat_ms.saturating_mul(3) {
        let place = lease.or(beat).map_or_else(|| section.header().clone(), |placed| placed.place);
        let why = format!(
            "a lease of {lease_ttl_ms}ms is shorter than three heartbeats of {heartbeat_ms}ms: one lost heartbeat would cost the job"
        );
        section.fault(faults, &place, "lease_ttl", &why);
    }
    let drain_timeout_ms = section.read_or("drain_timeout", faults, 30_000, Raw::duration);
    let isolation = section.read_or("isolation", faults, Isolation::Auto, |raw| {
        raw.choice(&[("auto", Isolation::Auto), ("pidns", Isolation::Pidns), ("tree", Isolation::Tree)])
    });
    let state_dir = section.read_or("state_dir", faults, default_state_dir(), |raw| path(raw, base_dir));
    let metrics_listen = section.read("metrics_listen", faults, address).map(|listen| listen.value);
    section.finish(faults, &[]);
    let memory = memory.map(|memory| memory.value);
    WorkerConfig {
        name,
        slots,
        memory,
        lease_ttl_ms,
        heartbeat_ms,
        drain_timeout_ms,
        isolation,
        state_dir,
        metrics_listen,
    }
}

fn worker_name(name: &str) -> Result<String, String> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.len() <= 64 && name.bytes().all(usual) {
        Ok(name.to_owned())
    } else {
        Err(format!("`{name}` cannot be a worker's name: use 1 to 64 letters, digits, `_`, `-` or `.`"))
    }
}

/// In the file: from its folder. In a variable or flag: from where the process was started.
pub(super) fn path(raw: Raw<'_>, base_dir: &Path) -> Result<PathBuf, String> {
    let path = Path::new(raw.word()?);
    match raw {
        Raw::Toml(_) => Ok(base_dir.join(path)),
        Raw::Text(_) => std::path::absolute(path).map_err(|why| format!("has no absolute form: {why}")),
    }
}

/// The host's name, made fit for a worker's.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fit = |letter: char| if letter.is_ascii_alphanumeric() || "_.-".contains(letter) { letter } else { '-' };
    let name: String = name.trim().chars().map(fit).take(64).collect();
    if name.is_empty() { "worker".to_owned() } else { name }
}

fn cores() -> u32 {
    thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// `/var/lib/dayfly` for root; else `$XDG_STATE_HOME/dayfly` or `~/.local/state/dayfly`; without a home, below the
/// folder for temporary files.
fn default_state_dir() -> PathBuf {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return PathBuf::from("/var/lib/dayfly");
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
        .join("dayfly")
}
