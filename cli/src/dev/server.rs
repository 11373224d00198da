//! The private server: which program, with which settings, and when it answers.

use super::{child::Line, data::Data};
use crate::failure::Failure;
use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Functions came with Redis 7.0; every Valkey has them.
const OLDEST: u32 = 7;

/// The program: the given one, else the first of `valkey-server` and `redis-server` on PATH that is new enough.
pub(super) fn program(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return match version(given) {
            Some(major) if major >= OLDEST => Ok(given.to_path_buf()),
            Some(major) => Err(Failure::usage(format_args!(
                "--redis-bin {}: version {major} is too old, 7.0 is needed",
                given.display()
            ))),
            None => Err(Failure::usage(format_args!("--redis-bin {}: not a Redis-compatible server", given.display()))),
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = ["valkey-server", "redis-server"]
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file() && version(file).is_some_and(|major| major >= OLDEST));
    found.ok_or_else(|| {
        Failure::usage(
            "no Redis-compatible server of version 7.0 or later was found. Two ways out: install one (for example \
             `apt-get install redis-server` or `valkey-server`), or name one that runs already by --redis-url \
             redis://host:6379. From a checkout, ./deploy/up gets one by itself.",
        )
    })
}

/// The major version that `--version` tells: `Redis server v=7.0.15 ..`, `Server v=9.1.2 ..`.
fn version(program: &Path) -> Option<u32> {
    let out = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.split_whitespace().find_map(|word| word.strip_prefix("v="))?.split('.').next()?.parse().ok()
}

/// Its command line. Nothing acknowledged is lost when it is killed: the append-only file is written before each
/// answer, and synced every second against a crash of the machine.
pub(super) fn line(program: &Path, port: u16, data: &Data) -> Result<Line, Failure> {
    let dir = data.folder("redis")?;
    let log = dir.join("server.log");
    let words = [
        ("--port", port.to_string()),
        ("--bind", "127.0.0.1".to_owned()),
        ("--dir", dir.display().to_string()),
        ("--logfile", log.display().to_string()),
        ("--appendonly", "yes".to_owned()),
        ("--appendfsync", "everysec".to_owned()),
        ("--save", String::new()),
        ("--maxmemory-policy", "noeviction".to_owned()),
        ("--daemonize", "no".to_owned()),
    ];
    let args = words.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    Ok(Line { program: program.to_path_buf(), args, env: Vec::new(), log: Some(log) })
}

/// Whether it answers `PING` (and has read its data: until then it answers an error).
pub(super) fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    drop(stream.set_read_timeout(Some(Duration::from_millis(200))));
    let mut answer = [0_u8; 5];
    stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"+PONG"
}

/// The last lines of a log, for a report.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut last: Vec<&str> = text.lines().rev().take(5).collect();
    last.reverse();
    last.join("\n")
}
