//! What a person reads when the house is ready.

use dayfly_common::config::Config;
use std::{env, fmt::Write as _, path::Path};

/// What is told.
#[derive(Debug)]
pub(super) struct Announcement<'a> {
    /// `http://127.0.0.1:8080`.
    pub(super) url: &'a str,
    /// What speaks to the server: `redis-cli -p 6399`.
    pub(super) redis: &'a str,
    /// The data folder.
    pub(super) data: &'a Path,
    /// The configuration and its file.
    pub(super) config: &'a Config,
    /// The file it came from.
    pub(super) file: &'a Path,
    /// The file is the examples'.
    pub(super) examples: bool,
}

impl Announcement<'_> {
    /// The whole text.
    pub(super) fn text(&self) -> String {
        let names: Vec<&str> = self.config.tasks.keys().map(String::as_str).collect();
        let missing = if on_path("redis-cli") { "" } else { "   (redis-cli is not installed here)" };
        let mut text = String::new();
        let lines = [
            ("API", self.url.to_owned()),
            ("Redis", format!("{}{missing}", self.redis)),
            ("Worker", format!("{} slots", self.config.worker.slots)),
            ("Tasks", format!("{}   ({})", names.join(" "), self.file.display())),
            ("Data", self.data.display().to_string()),
        ];
        text.push_str("\ndayfly dev is ready. Ctrl-C drains and keeps all jobs for the next start.\n\n");
        for (name, value) in lines {
            _ = writeln!(text, "  {name:<7} {value}");
        }
        text.push_str("\nThree commands to try:\n\n");
        for command in self.commands() {
            _ = writeln!(text, "  {command}");
        }
        text
    }

    /// Submit and wait; look; submit and cancel. They work when pasted as they are; for a configuration of one's own the
    /// inputs are its owner's to fill in.
    fn commands(&self) -> [String; 3] {
        let url = self.url;
        let task = self.config.tasks.keys().next().map_or("TASK", String::as_str);
        let (quick, slow) = if self.examples {
            (
                "/v1/tasks/factor -d n=1000000016000000063".to_owned(),
                "/v1/tasks/factor -d n=1000000000000000012000000000000000027".to_owned(),
            )
        } else {
            let submit = format!("/v1/tasks/{task} -H 'Content-Type: application/json' -d '{{}}'");
            (submit.clone(), submit)
        };
        [
            format!("curl -H 'Prefer: wait=30' {url}{quick}"),
            format!("curl '{url}/v1/jobs?limit=5'"),
            format!(
                "job=$(curl -si {url}{slow} | tr -d '\\r' | sed -n 's/^location: //Ip') && curl -X POST {url}$job/cancel"
            ),
        ]
    }
}

fn on_path(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}
