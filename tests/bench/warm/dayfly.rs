//! Dayfly's own ways: a warm task, and the same function cold.

use crate::{
    install::{Installed, Scripts},
    latency,
    throughput::{post_many, wait_for},
};
use anyhow::{Context as _, Result, ensure};
use dayfly_tests::{Installation, descendants, parent};
use std::{collections::HashMap, fs, path::Path, time::Instant};

/// The installation, with every slot's host loaded.
pub(crate) struct Dayfly {
    rig: Installation,
    done: HashMap<&'static str, usize>,
}

/// Memory of one slot's host, MiB.
pub(crate) struct Memory {
    /// Host and waiting child, each shared page counted in parts (PSS).
    pub(crate) proportional: f64,
    /// The host alone, as if nothing were shared (RSS).
    pub(crate) resident: f64,
}

fn tasks(installed: &Installed) -> String {
    let python = installed.path("python");
    let scripts = Scripts::Warm.folder();
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/src");
    let path = format!("{}:{}", package.display(), scripts.display());
    let env = format!("env = {{ PYTHONPATH = {path:?}, PYTHONPYCACHEPREFIX = {:?} }}\n", installed.compiled());
    let cold = |name: &str, module: &str| {
        format!("[tasks.{name}]\ncommand = [{python:?}, \"-m\", \"dayfly\", \"run\", \"{module}:stamp\"]\n{env}")
    };
    format!(
        "[tasks.warm]\npython = \"work:stamp\"\ninterpreter = {python:?}\n{env}{}{}",
        cold("cold", "work"),
        cold("bare", "bare")
    )
}

impl Dayfly {
    pub(crate) async fn start(installed: &Installed, slots: u32) -> Result<Self> {
        let mut rig = Installation::start(&tasks(installed)).await;
        rig.add_worker(slots).await;
        let mut dayfly = Self { rig, done: HashMap::new() };
        // As many as all slots take at once, each of which then loads the module.
        dayfly.seconds("warm", slots as usize * 10).await?;
        let hosts = dayfly.hosts()?.len();
        ensure!(hosts == slots as usize, "{hosts} warm hosts for {slots} slots");
        // What an interpreter reads at its start is compiled and in the page cache for all.
        dayfly.seconds("cold", 2).await?;
        dayfly.seconds("bare", 2).await?;
        Ok(dayfly)
    }

    pub(crate) fn url(&self) -> &str {
        &self.rig.url
    }

    /// From the moment that so many queued jobs may be taken until all records are finished.
    pub(crate) async fn seconds(&mut self, task: &'static str, count: usize) -> Result<f64> {
        let action = |what| self.rig.request("POST", &format!("/v1/tasks/{task}/{what}")).send();
        action("pause").await?.error_for_status()?;
        post_many(&self.rig, task, count, "{}").await?;
        let begin = Instant::now();
        action("resume").await?.error_for_status()?;
        let total = self.done.entry(task).or_default();
        *total += count;
        wait_for(&self.rig, task, *total).await?;
        Ok(begin.elapsed().as_secs_f64())
    }

    /// Jobs one after another: ms from the POST to the function's first line, and to its result.
    pub(crate) async fn latencies(&mut self, task: &'static str, count: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        *self.done.entry(task).or_default() += count;
        let authority = self.url().trim_start_matches("http://").to_owned();
        tokio::task::spawn_blocking(move || latency::sample(&authority, task, count)).await?
    }

    /// Jobs that somebody else has submitted and seen the end of.
    pub(crate) fn others(&mut self, task: &'static str, count: usize) {
        *self.done.entry(task).or_default() += count;
    }

    /// Each slot's host, and its children.
    fn hosts(&self) -> Result<Vec<(i32, Vec<i32>)>> {
        let worker = self.rig.workers.first().context("a worker")?.pid();
        let all: Vec<i32> = descendants(worker).into_iter().filter(|&pid| is_host(pid)).collect();
        let child_of = |host: i32| all.iter().copied().filter(|&pid| parent(pid) == Some(host)).collect();
        let hosts = all.iter().filter(|&&pid| parent(pid).is_none_or(|above| !all.contains(&above)));
        Ok(hosts.map(|&host| (host, child_of(host))).collect())
    }

    /// Of every slot's host.
    pub(crate) fn memory(&self) -> Result<Vec<Memory>> {
        self.hosts()?
            .into_iter()
            .map(|(host, children)| {
                let mut proportional = rollup(host, "Pss:")?;
                for child in children {
                    proportional += rollup(child, "Pss:")?;
                }
                Ok(Memory { proportional, resident: rollup(host, "Rss:")? })
            })
            .collect()
    }
}

/// A host and its children have the same command line.
fn is_host(pid: i32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains("from dayfly.host import main")
}

/// A sum over all mappings, MiB; `proc_pid_smaps(5)`.
fn rollup(pid: i32, name: &str) -> Result<f64> {
    let text =
        fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("memory of a host: only root may look")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
