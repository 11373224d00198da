//! What a person sees on standard error while a job runs: its log, and below it a line that says how far it is.

use super::{
    follow::Told,
    job::{Job, Progress},
    term::clean,
};
use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Steps of the bar.
const WHOLE: u64 = 1_000;
const TICK: Duration = Duration::from_millis(120);
const BAR: &str = "{spinner} {prefix} [{bar:30}] {percent:>3}% {elapsed} {wide_msg}";
const SPINNER: &str = "{spinner} {prefix} {elapsed} {wide_msg}";

/// The line; gone with the value.
#[derive(Debug)]
pub(super) struct Live {
    bar: ProgressBar,
    task: String,
}

impl Live {
    pub(super) fn new(job: &Job) -> Self {
        // On a line of its own: the one that moves has room for little else, and Ctrl-C is not the only way to leave it.
        eprintln!("dayfly: job {}", job.id);
        let bar = ProgressBar::with_draw_target(Some(WHOLE), ProgressDrawTarget::stderr());
        bar.set_style(style(SPINNER));
        bar.enable_steady_tick(TICK);
        let live = Self { bar, task: job.task.clone() };
        live.state(job);
        live
    }

    /// Shows what was told.
    pub(super) fn hear(&self, told: &Told) -> Result<(), Failure> {
        match told {
            Told::State(job) => self.state(job),
            Told::Progress(progress) => self.progress(progress),
            Told::Log(line) => {
                let own = if line.stream == "system" { "[dayfly] " } else { "" };
                self.bar.suspend(|| eprintln!("{own}{}", clean(&line.line)));
            }
            Told::Reset => self.bar.suspend(|| eprintln!("[dayfly] the log begins anew")),
        }
        Ok(())
    }

    fn state(&self, job: &Job) {
        let place = match (job.state.as_str(), job.queue_position) {
            ("queued", Some(before)) => format!("queued, {before} before it"),
            ("running", _) if job.cancel_requested_at.is_some() => "being cancelled".to_owned(),
            (state, _) => state.to_owned(),
        };
        self.bar.set_prefix(format!("{} {place}", self.task));
        match &job.progress {
            Some(progress) => self.progress(progress),
            None => self.bar.set_message(job.warnings.first().map(|text| clean(text).into_owned()).unwrap_or_default()),
        }
    }

    fn progress(&self, progress: &Progress) {
        if let Some(fraction) = progress.fraction {
            self.bar.set_style(style(BAR));
            self.bar.set_position((fraction.clamp(0.0, 1.0) * 1_000.0) as u64);
        }
        self.bar.set_message(clean(progress.message.as_deref().unwrap_or_default()).into_owned());
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
