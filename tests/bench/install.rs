//! Gets what is measured beside Dayfly: a virtual environment below the target folder, of pinned versions.

use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A folder of scripts of the bench, beside its `requirements.txt`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scripts {
    /// RQ and Celery, for `survivors`.
    Peers,
    /// numpy and pandas, for `warm`.
    Warm,
}

impl Scripts {
    /// Where they are.
    pub(crate) fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(match self {
            Self::Peers => "bench/peers",
            Self::Warm => "bench/warm/python",
        })
    }

    /// Below the target folder.
    fn home(self) -> &'static str {
        match self {
            Self::Peers => "peers",
            Self::Warm => "warm",
        }
    }

    fn requirements(self) -> Result<String> {
        Ok(fs::read_to_string(self.folder().join("requirements.txt"))?)
    }

    /// The version that is asked for, `3.0.0`.
    pub(crate) fn version(self, package: &str) -> Result<String> {
        let all = self.requirements()?;
        let line = all.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
        Ok(line.with_context(|| format!("{package} in requirements.txt"))?.to_owned())
    }
}

/// Programs of the virtual environment.
pub(crate) struct Installed {
    scripts: Scripts,
    bin: PathBuf,
}

impl Installed {
    /// Installs them, unless just these are there already.
    pub(crate) fn get(scripts: Scripts) -> Result<Self> {
        let program = std::env::current_exe()?;
        let target = program.ancestors().nth(2).context("the target folder")?;
        let home = target.join(scripts.home());
        let wanted = scripts.requirements()?;
        let stamp = home.join("installed.txt");
        let installed = Self { scripts, bin: home.join("bin") };
        if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
            return Ok(installed);
        }
        eprintln!("installing {} into {}", wanted.lines().collect::<Vec<_>>().join(" "), home.display());
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
            .context("a virtual environment (on Debian the package python3-venv is needed)")?;
        run(installed
            .command("python")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(scripts.folder().join("requirements.txt")))?;
        fs::write(stamp, wanted)?;
        Ok(installed)
    }

    /// A program's path.
    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.bin.join(program)
    }

    /// One of them, to be completed and started.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.env("PYTHONPYCACHEPREFIX", self.compiled()).env("PYTHONPATH", self.scripts.folder());
        command
    }

    /// Where Python keeps compiled modules, so that the checkout stays as it is and none is compiled twice.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.bin.with_file_name("compiled")
    }

    /// `Python 3.11.7`
    pub(crate) fn python(&self) -> Result<String> {
        let answer = self.command("python").arg("--version").output()?;
        Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
