//! Gets the peers: a virtual environment below the target folder, of pinned versions.

use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the peers' own files are.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peers")
}

/// Programs of the peers.
pub(crate) struct Installed {
    bin: PathBuf,
}

impl Installed {
    /// Installs them, unless just these are there already.
    pub(crate) fn get() -> Result<Self> {
        let wanted = fs::read_to_string(sources().join("requirements.txt"))?;
        let program = std::env::current_exe()?;
        let target = program.ancestors().nth(2).context("the target folder")?;
        let home = target.join("peers");
        let stamp = home.join("installed.txt");
        let installed = Self { bin: home.join("bin") };
        if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
            return Ok(installed);
        }
        eprintln!("installing RQ and Celery into {}", home.display());
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
            .context("a virtual environment (on Debian the package python3-venv is needed)")?;
        run(installed
            .command("python")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(sources().join("requirements.txt")))?;
        fs::write(stamp, wanted)?;
        Ok(installed)
    }

    /// One of them, to be completed and started.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        // The checkout stays as it is.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", sources());
        command
    }

    /// `Python 3.11.7`
    pub(crate) fn python(&self) -> Result<String> {
        let answer = self.command("python").arg("--version").output()?;
        Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }
}

/// The version that is asked for, `3.0.0`.
pub(crate) fn version(package: &str) -> Result<String> {
    let all = fs::read_to_string(sources().join("requirements.txt"))?;
    let line = all.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    Ok(line.with_context(|| format!("{package} in requirements.txt"))?.to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
