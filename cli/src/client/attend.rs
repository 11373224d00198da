//! Waiting for a job's end: bounded by `--wait`, left by Ctrl-C, both of which the job outlives.

use super::{
    Exit,
    http::{Api, Ask, Refusal},
    job::{self, Job},
};
use crate::failure::Failure;
use hyper::body::Bytes;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What one request waits for; the server's bound may be shorter.
const WAIT_S: u64 = 30;
/// How long an API may be away while its job is waited for: a restart, a deploy.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);

/// How long the API has been away.
#[derive(Debug, Default)]
pub(super) struct Away(Option<Instant>);

impl Away {
    /// It answered.
    pub(super) fn over(&mut self) {
        self.0 = None;
    }

    /// It did not, or not well: after a pause it is to be tried again, unless that is no use.
    pub(super) async fn again(&mut self, refusal: Refusal) -> Result<(), Failure> {
        let passing = match &refusal {
            Refusal::Lost(_) => true,
            Refusal::Problem(problem) => [429, 502, 503, 504].contains(&problem.status),
        };
        if !passing || self.0.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return Err(refusal.into());
        }
        sleep(PAUSE).await;
        Ok(())
    }
}

/// The job once it has ended, and its JSON as the API sent it.
pub(super) async fn ended(api: &Api, id: &str) -> Result<(Job, Bytes), Failure> {
    let ask = Ask::get(format!("/v1/jobs/{id}")).header("prefer", format!("wait={WAIT_S}"));
    let mut away = Away::default();
    loop {
        match api.ask(ask.clone()).await {
            Err(refusal) => away.again(refusal).await?,
            Ok(answer) => {
                away.over();
                let job: Job = job::read(&answer)?;
                if job.has_ended() {
                    return Ok((job, answer.body));
                }
            }
        }
    }
}

/// Waits for `done` about the job `id`, at most for `bound`, and until Ctrl-C.
pub(super) async fn attend<T>(
    id: &str,
    bound: Option<Duration>,
    done: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let over = async {
        match bound {
            Some(bound) => sleep(bound).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        done = done => done,
        heard = tokio::signal::ctrl_c() => {
            heard.map_err(|why| Exit::Error.because(format_args!("signals cannot be heard: {why}")))?;
            let message = format!("detached; the job goes on: {id}\n  `dayfly wait {id}` waits for it, `dayfly cancel {id}` ends it");
            Err(Exit::Interrupted.because(message))
        }
        () = over => {
            let message = format!("--wait is over; the job goes on: {id}");
            Err(Exit::WaitedTooLong.because(message))
        }
    }
}
