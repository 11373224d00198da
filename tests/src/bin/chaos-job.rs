//! The program of the jobs of a chaos run: it bears witness of its own life.
//!
//! `chaos-job FOLDER` takes the job's lock, `FOLDER/locks/<id>`: made with O_EXCL by the first attempt and locked by `flock(2)`,
//! so that the lock of a killed one is free and that of a living one is not. Whatever it forks holds the lock too. Then it
//! appends a line about each step of its life to `FOLDER/jobs.jsonl`, and does what its input says:
//! `{"sleep_ms":N, "exit":N, "again_before":ATTEMPT, "hang":bool, "deaf":bool, "leave":bool}`.
//!
//! `chaos-job FOLDER linger` is what it leaves behind: a process in a session of its own that heeds no signal but SIGKILL.

use nix::{
    fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl},
    sys::signal::{SigSet, Signal},
    time::{ClockId, clock_gettime},
    unistd::setsid,
};
use serde_json::{Value, json};
use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio, exit},
    thread::sleep,
    time::{Duration, Instant},
};

const TICK: Duration = Duration::from_millis(200);

/// Who this is, and where it says so.
struct Witness {
    log: File,
    id: String,
    fence: String,
    attempt: u64,
}

impl Witness {
    fn open(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let own = |name: &str| env::var(format!("DAYFLY_{name}")).map_err(|why| format!("DAYFLY_{name}: {why}"));
        let log = File::options().create(true).append(true).open(folder.join("jobs.jsonl"))?;
        Ok(Self { log, id: own("JOB_ID")?, fence: own("FENCE")?, attempt: own("ATTEMPT")?.parse()? })
    }

    /// One line by one write: lines of several processes do not mix.
    fn say(&mut self, what: &str, more: Value) -> io::Result<()> {
        let time = clock_gettime(ClockId::CLOCK_BOOTTIME)?;
        let at = time.tv_sec() * 1_000_000 + time.tv_nsec() / 1_000;
        let mut line = json!({ "what": what, "at": at, "id": self.id, "fence": self.fence, "attempt": self.attempt });
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        self.log.write_all(format!("{line}\n").as_bytes())
    }

    fn live(&mut self, span: Duration) -> io::Result<()> {
        let end = Instant::now() + span;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            sleep(left.min(TICK));
            if left <= TICK {
                return Ok(());
            }
            self.say("alive", json!({}))?;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("no folder")?);
    let mut witness = Witness::open(&folder)?;
    if arguments.next().as_deref() == Some("linger") {
        setsid()?;
        deafen()?;
        return Ok(witness.live(Duration::MAX / 4)?);
    }
    take_lock(&folder, &mut witness)?;
    witness.say("start", json!({}))?;
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let input: Value = serde_json::from_str(&input)?;
    if input["deaf"] == true {
        deafen()?;
    }
    if input["leave"] == true {
        Command::new(env::current_exe()?).arg(&folder).arg("linger").stdin(Stdio::null()).spawn()?;
    }
    if input["hang"] == true {
        witness.live(Duration::from_secs(3_600))?;
    }
    witness.live(Duration::from_millis(input["sleep_ms"].as_u64().unwrap_or(0)))?;
    let code = match input["again_before"].as_u64() {
        Some(enough) if witness.attempt < enough => 75,
        _ => input["exit"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(0),
    };
    println!("{}", json!({ "id": witness.id, "fence": witness.fence }));
    witness.say("end", json!({ "code": code }))?;
    exit(code)
}

/// Takes the lock, or says who holds it and goes on without.
fn take_lock(folder: &Path, witness: &mut Witness) -> Result<(), Box<dyn Error>> {
    let path = folder.join("locks").join(&witness.id);
    let mut options = File::options();
    let file = match options.write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::options().write(true).open(&path)?,
        made => made?,
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0)?;
            lock.write_all(witness.fence.as_bytes())?;
            // What this program starts is to hold it too; it is given up by dying alone.
            fcntl(&*lock, FcntlArg::F_SETFD(FdFlag::empty()))?;
            std::mem::forget(lock);
        }
        Err(_) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            witness.say("overlap", json!({ "holder": holder }))?;
        }
    }
    Ok(())
}

/// Blocked signals wait for ever: as good as ignored.
fn deafen() -> Result<(), Box<dyn Error>> {
    let mut polite = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        polite.add(signal);
    }
    Ok(polite.thread_block()?)
}
