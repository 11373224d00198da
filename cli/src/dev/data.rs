//! The data folder: locked by one `dayfly dev` at a time; remembers the server's port.

use crate::failure::Failure;
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, DirBuilder, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{Seek as _, Write as _},
    net::TcpListener,
    ops::Range,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Below the ports that Linux gives to outgoing connections (`ip_local_port_range`, from 32768): of those, any may be
/// taken between two starts, or between the look and the server's own bind.
const PORTS: Range<u16> = 20_000..32_000;

/// The folder, held until this value goes.
#[derive(Debug)]
pub(super) struct Data {
    path: PathBuf,
    lock: Flock<File>,
}

impl Data {
    /// Makes the folder, readable by its owner alone, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::runtime(format_args!("the data folder {} cannot be used: {why}", path.display()))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|why| wrong(&why))?;
        let path = fs::canonicalize(path).map_err(|why| wrong(&why))?;
        let name = path.join("lock");
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&name);
        let lock = Flock::lock(file.map_err(|why| wrong(&why))?, FlockArg::LockExclusiveNonblock).map_err(|_| {
            let holder = fs::read_to_string(&name).unwrap_or_default();
            let holder = if holder.is_empty() { "it is starting".to_owned() } else { holder.trim().to_owned() };
            Failure::runtime(format_args!(
                "another `dayfly dev` uses the data folder {} ({holder}): end that one, or give another folder by --data",
                path.display()
            ))
        })?;
        Ok(Self { path, lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it, made if need be.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        fs::create_dir_all(&path)
            .map_err(|why| Failure::runtime(format_args!("{} cannot be made: {why}", path.display())))?;
        Ok(path)
    }

    /// Writes who holds the folder, for a second one to tell.
    pub(super) fn sign(&mut self, url: &str) {
        let file = &mut *self.lock;
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "pid {}, {url}", std::process::id()));
        if let Err(why) = written {
            tracing::warn!(%why, "the lock file could not be signed");
        }
    }

    /// The port of the last start when it is free, else a free one, which is remembered.
    pub(super) fn port(&self) -> Result<u16, Failure> {
        let file = self.path.join("redis.port");
        let last = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).filter(|port| *port != 0);
        let port = last.into_iter().chain(self.likely()).find(|&port| free(port)).ok_or_else(|| {
            Failure::runtime(format_args!("no port of {} to {} is free on 127.0.0.1", PORTS.start, PORTS.end - 1))
        })?;
        if last != Some(port) {
            fs::write(&file, format!("{port}\n"))
                .map_err(|why| Failure::runtime(format_args!("{} cannot be written: {why}", file.display())))?;
        }
        Ok(port)
    }

    /// All of [`PORTS`], from one that the folder's path chooses: two folders seldom want the same.
    fn likely(&self) -> impl Iterator<Item = u16> {
        let mut hasher = DefaultHasher::new();
        self.path.hash(&mut hasher);
        let count = PORTS.len() as u64;
        let first = hasher.finish() % count;
        (0..count).filter_map(move |step| u16::try_from((first + step) % count).ok()).map(|at| PORTS.start + at)
    }
}

/// Whether a server could listen there now.
pub(super) fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_keeps_its_port() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let mut first = Data::open(&path).unwrap();
        first.sign("http://127.0.0.1:1");
        let said = match Data::open(&path) {
            Ok(_) => panic!("two holders"),
            Err(Failure::Runtime(said) | Failure::Usage(said)) => said,
            Err(Failure::Config(faults)) => faults.to_string(),
            Err(Failure::Client(..)) => panic!("nothing of a command"),
        };
        assert!(said.contains(&format!("pid {}, http://127.0.0.1:1", std::process::id())), "{said}");
        let port = first.port().unwrap();
        assert_eq!(first.port().unwrap(), port);
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_ne!(first.port().unwrap(), port);
        drop(taken);
        drop(first);
        assert!(Data::open(&path).is_ok());
    }
}
