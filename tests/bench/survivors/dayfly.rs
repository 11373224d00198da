//! Dayfly in one of its tiers: an API and a worker as processes, spoken to over HTTP.

use super::{
    ending::{Ending, Manner},
    system::{Order, System},
};
use anyhow::{Result, ensure};
use dayfly_tests::Installation;
use dayfly_worker::process::Isolation;
use serde_json::json;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// As many as the peers' workers have.
const SLOTS: u32 = 1;

pub(crate) struct Dayfly {
    installation: Installation,
}

impl Dayfly {
    pub(crate) async fn start(isolation: Isolation, hostile: &Path, shapes: &[String], go: &Path) -> Self {
        let mut tasks = String::new();
        for shape in shapes {
            for (suffix, env) in [("", String::new()), ("-exits", exits(go))] {
                let _always = write!(
                    tasks,
                    "[tasks.{shape}{suffix}]\ncommand = [{:?}, {shape:?}]\ntimeout = \"60s\"\nkill_grace = \"1s\"\n\
                     lost_retries = 0\n{env}",
                    PathBuf::from(hostile)
                );
            }
        }
        let mut installation = Installation::start_with(&format!("isolation = \"{isolation}\""), &tasks).await;
        installation.add_worker(SLOTS).await;
        Self { installation }
    }
}

fn exits(go: &Path) -> String {
    format!("env = {{ HOSTILE_LEADER = \"exit\", HOSTILE_GO = {go:?} }}\n")
}

impl System for Dayfly {
    /// Slot, supervisor, daemon.
    const ABOVE: usize = 3;

    fn knows(&self, _: Ending) -> bool {
        true
    }

    async fn submit(&mut self, order: &Order<'_>) -> Result<String> {
        let suffix = if order.ending == Ending::LeaderExits { "-exits" } else { "" };
        let timeout = order.ending.time_limit().as_secs();
        let task = format!("{}{suffix}?timeout={timeout}s", order.shape);
        Ok(self.installation.submit(&task, &json!({})).await)
    }

    async fn stands(&mut self, id: &str) -> Result<bool> {
        let logs = self.installation.request("GET", &format!("/v1/jobs/{id}/logs")).send().await?;
        Ok(logs.error_for_status()?.text().await?.contains("ready"))
    }

    async fn ended(&mut self, id: &str) -> Result<bool> {
        let job = self.installation.job(id).await;
        Ok(["succeeded", "failed", "cancelled"].iter().any(|state| job["state"] == *state))
    }

    async fn cancel(&mut self, id: &str, manner: Manner) -> Result<()> {
        let body = match manner {
            Manner::AsksFirst => json!({}),
            Manner::KillsAtOnce => json!({"grace": "0s"}),
        };
        let answer = self.installation.request("POST", &format!("/v1/jobs/{id}/cancel")).json(&body).send().await?;
        ensure!(answer.status().is_success(), "{answer:?}");
        Ok(())
    }

    async fn start_worker(&mut self) -> Result<()> {
        self.installation.restart_worker(0, SLOTS);
        self.installation.worker_id(0).await;
        Ok(())
    }

    fn log(&self) -> String {
        self.installation.workers.iter().map(dayfly_tests::Daemon::output).collect()
    }
}
