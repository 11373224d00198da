//! A Redis-compatible server of a test's own: append-only file on, data in a folder of its own, a free port of loopback.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    ffi::OsString,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tempfile::TempDir;

/// The server program of the tests: `DAYFLY_TEST_REDIS_BIN` (set by `deploy/test`), else the first of `valkey-server` and
/// `redis-server` on PATH.
///
/// # Panics
/// When there is none: `deploy/test` installs one.
#[must_use]
pub fn server_binary() -> PathBuf {
    if let Some(given) = std::env::var_os("DAYFLY_TEST_REDIS_BIN") {
        return PathBuf::from(given);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    ["valkey-server", "redis-server"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
        .expect("a Redis-compatible server: run the tests by ./deploy/test, which gets one")
}

/// What holds a queue: one server, or a set of them.
pub trait Backend {
    /// What Dayfly is given as `[redis] url`.
    fn url(&self) -> String;

    /// The server that takes the writes, for what an operator would type.
    fn primary_url(&self) -> impl Future<Output = String>;
}

impl Backend for Server {
    fn url(&self) -> String {
        Self::url(self)
    }

    async fn primary_url(&self) -> String {
        Self::url(self)
    }
}

/// A running server; ended with the value.
#[derive(Debug)]
pub struct Server {
    child: Option<Child>,
    dir: TempDir,
    port: u16,
    words: Vec<String>,
    /// What it is started by, a program and its arguments, when not by itself.
    under: Vec<String>,
}

impl Server {
    /// Starts a fresh server.
    ///
    /// # Panics
    /// When it does not answer in time.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Server::start`], with further settings (`--maxmemory`, `10mb`).
    ///
    /// # Panics
    /// When it does not answer in time.
    #[must_use]
    pub fn start_with(extra: &[&str]) -> Self {
        Self::with_data_in(tempfile::tempdir().expect("a temporary folder"), Vec::new(), extra)
    }

    /// With its data on a file system of its own of this size, in a mount namespace of its own; its folder looks empty from
    /// outside. `None` where this user may not make such namespaces.
    ///
    /// # Panics
    /// When it does not answer in time.
    #[must_use]
    pub fn start_on_small_disk(megabytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mount = format!("mount -t tmpfs -o size={megabytes}m tmpfs {} && exec \"$@\"", dir.path().display());
        let under = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &mount, "sh"];
        let can = Command::new("unshare")
            .args(&under[1..6])
            .args([mount.replace("\"$@\"", "true").as_str()])
            .stderr(Stdio::null())
            .status();
        if !can.is_ok_and(|status| status.success()) {
            return None;
        }
        Some(Self::with_data_in(dir, under.map(str::to_owned).to_vec(), &[]))
    }

    fn with_data_in(dir: TempDir, under: Vec<String>, extra: &[&str]) -> Self {
        let port = free_port();
        let port_word = port.to_string();
        let usual = ["--port", &port_word, "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""];
        let more = ["--appendfsync", "everysec", "--loglevel", "notice"];
        let words = [&usual[..], &more, extra].concat().into_iter().map(str::to_owned).collect();
        Self::begin(dir, port, words, under)
    }

    /// Starts a sentinel; `watched` are the lines of its file that say what it watches.
    ///
    /// # Panics
    /// When it does not answer in time.
    #[must_use]
    pub fn start_sentinel(watched: &str) -> Self {
        let (dir, port) = (tempfile::tempdir().expect("a temporary folder"), free_port());
        let file = dir.path().join("sentinel.conf");
        fs::write(&file, format!("port {port}\nbind 127.0.0.1\n{watched}")).expect("its file");
        Self::begin(dir, port, vec![file.display().to_string(), "--sentinel".to_owned()], Vec::new())
    }

    fn begin(dir: TempDir, port: u16, words: Vec<String>, under: Vec<String>) -> Self {
        let mut server = Self { child: None, dir, port, words, under };
        server.restart();
        server
    }

    /// Stops it (SIGSTOP) or lets it go on (SIGCONT).
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self, frozen: bool) {
        let pid = self.pid().expect("a running server").cast_signed();
        let signal = if frozen { Signal::SIGSTOP } else { Signal::SIGCONT };
        kill(Pid::from_raw(pid), signal).expect("it is there");
    }

    /// `redis://127.0.0.1:<port>/0`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Starts it again on the same port and data.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub fn restart(&mut self) {
        self.kill();
        let log = fs::File::options().create(true).append(true).open(self.dir.path().join("log")).expect("a log file");
        let program: Vec<OsString> =
            self.under.iter().map(OsString::from).chain([server_binary().into_os_string()]).collect();
        let child = Command::new(&program[0])
            .args(&program[1..])
            .args(&self.words)
            .arg("--dir")
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.child = Some(child);
        crate::eventually("the server answers PING", Duration::from_secs(20), || self.answers().then_some(()));
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        drop(stream.set_read_timeout(Some(Duration::from_millis(500))));
        let mut answer = [0_u8; 5];
        stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"+PONG"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of loopback that was free a moment ago, and that hardly anybody else is given: below those of outgoing
/// connections (`ip_local_port_range`) and of `dayfly dev`, in a stretch of this process's own.
///
/// # Panics
/// When all of them are taken.
#[must_use]
pub fn free_port() -> u16 {
    const PORTS: u32 = 10_000;
    const FIRST: u32 = 10_000;
    const STRETCH: u32 = 16;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id() % (PORTS / STRETCH) * STRETCH;
    (0..PORTS)
        .map(|_| FIRST + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .expect("a free port")
}
