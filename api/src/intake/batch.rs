//! A batch: read while it arrives, checked job by job, submitted many in a round trip, answered in order.
//!
//! Each job is taken or refused for itself. What makes the body as a whole unreadable (it is no array, too large, of too many
//! jobs) is the answer to all of it while nothing was submitted; later it stands in the place of the job where reading ended.

use super::{Named, Offer, Taken, now_ms, take_each};
use crate::{
    app::App,
    error::{Code, Problem},
    extract::{Cut, Framing, Item, Pieces, Splitter, SubmitOptions, check_json, too_large},
};
use axum::{body::Bytes, http::StatusCode};
use dayfly_common::model::JobId;
use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use std::{mem::take, sync::Arc};

/// Most jobs submitted in one round trip, and most bytes of their inputs unless one is larger.
const JOBS_A_TRIP: usize = 100;
const BYTES_A_TRIP: usize = 1 << 20;
/// Bytes that are held back until the body is known to be whole; a larger one is submitted while it arrives.
const HELD_BACK: usize = 4 << 20;
/// Room for what stands beside the input of a job, bytes.
const BESIDE_INPUT: u64 = 16 << 10;

/// What became of one job of a batch.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) index: usize,
    pub(crate) taken: Result<(StatusCode, JobId), Problem>,
}

/// A batch that is being read.
#[derive(Debug)]
pub(crate) struct Batch {
    app: Arc<App>,
    owner: String,
    trace: Option<String>,
    pieces: Pieces,
    framing: Framing,
    splitter: Splitter,
    /// Whether outcomes are wanted as soon as there are any.
    eager: bool,
    /// The next job's.
    index: usize,
    waiting: Vec<(usize, Result<Offer, Problem>)>,
    waiting_bytes: usize,
    /// Something was submitted or refused for itself.
    begun: bool,
    over: bool,
}

impl Batch {
    /// `owner`: whose jobs they are.
    pub(crate) fn new(
        app: Arc<App>,
        owner: String,
        framing: Framing,
        pieces: Pieces,
        trace: Option<String>,
        eager: bool,
    ) -> Self {
        let most = usize::try_from(app.max_body.saturating_add(BESIDE_INPUT)).unwrap_or(usize::MAX);
        Self {
            app,
            owner,
            trace,
            pieces,
            framing,
            splitter: Splitter::new(framing, most),
            eager,
            index: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            begun: false,
            over: false,
        }
    }

    /// The next outcomes, in order; `None` when there are no more.
    ///
    /// # Errors
    /// The body cannot be read and nothing of it was submitted, or its client is gone.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Outcome>>, Problem> {
        if self.over {
            return Ok(None);
        }
        let fault = self.gather().await.err();
        if let Some(fault) = &fault
            && !fault.hangs_up()
        {
            self.pieces.spill().await;
        }
        if let Some(fault) = fault.clone().filter(|fault| fault.hangs_up() || !self.begun) {
            self.over = true;
            return Err(fault);
        }
        let mut outcomes = self.submit().await;
        if let Some(fault) = fault {
            self.over = true;
            outcomes.push(Outcome { index: self.index, taken: Err(fault) });
        }
        Ok(Some(outcomes))
    }

    /// Reads until it is time to submit.
    async fn gather(&mut self) -> Result<(), Problem> {
        while !self.over && !self.is_full() {
            let bytes = if self.eager && !self.waiting.is_empty() {
                // Nothing more at the moment: whoever sends may be waiting for what became of this.
                let Some(piece) = self.pieces.next().now_or_never() else { return Ok(()) };
                piece?
            } else {
                self.pieces.next().await?
            };
            let mut cuts = Vec::new();
            let fed = match &bytes {
                Some(bytes) => self.splitter.feed(bytes, &mut cuts),
                None => self.splitter.end(&mut cuts),
            };
            for cut in cuts {
                self.prepare(cut).await?;
            }
            fed?;
            self.over = bytes.is_none();
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.waiting_bytes >= HELD_BACK || self.eager && self.waiting.len() >= JOBS_A_TRIP
    }

    /// Checks one job.
    ///
    /// # Errors
    /// It is not JSON and stands in an array: then no later job can be told from it either.
    async fn prepare(&mut self, cut: Cut) -> Result<(), Problem> {
        let offer = match cut {
            Cut::TooLarge => Err(too_large(self.app.max_body)),
            Cut::Item(bytes) => match serde_json::from_slice::<&RawValue>(&bytes) {
                Ok(_) => checked(&self.app, &self.owner, self.trace.clone(), &bytes).await,
                Err(why) => {
                    let detail = format!("Job {} of the batch is not JSON: {why}.", self.index);
                    let problem = Problem::new(Code::MalformedJson, detail);
                    if self.framing == Framing::Array {
                        return Err(problem);
                    }
                    Err(problem)
                }
            },
        };
        self.waiting_bytes += offer.as_ref().map_or(0, |offer| offer.job.input.len());
        self.waiting.push((self.index, offer));
        self.index += 1;
        Ok(())
    }

    /// Submits all that wait.
    async fn submit(&mut self) -> Vec<Outcome> {
        self.begun |= !self.waiting.is_empty();
        self.waiting_bytes = 0;
        let mut outcomes = Vec::with_capacity(self.waiting.len());
        let (mut indices, mut offers, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (index, offer) in take(&mut self.waiting) {
            match offer {
                Ok(offer) => {
                    bytes += offer.job.input.len();
                    indices.push(index);
                    offers.push(offer);
                }
                Err(problem) => outcomes.push(Outcome { index, taken: Err(problem) }),
            }
            if offers.len() >= JOBS_A_TRIP || bytes >= BYTES_A_TRIP {
                outcomes.extend(self.trip(take(&mut indices), take(&mut offers)).await);
                bytes = 0;
            }
        }
        outcomes.extend(self.trip(indices, offers).await);
        outcomes.sort_by_key(|outcome| outcome.index);
        outcomes
    }

    /// One round trip.
    async fn trip(&mut self, indices: Vec<usize>, offers: Vec<Offer>) -> Vec<Outcome> {
        if offers.is_empty() {
            return Vec::new();
        }
        let taken = match self.app.check_data() {
            Ok(()) => take_each(&self.app.queue, &offers).await,
            Err(gone) => vec![Err(gone); offers.len()],
        };
        let answered = indices.into_iter().zip(offers).zip(taken);
        answered
            .map(|((index, offer), taken)| {
                if matches!(taken, Ok(Taken::New(..) | Taken::Again)) {
                    self.app.metrics.submitted(&offer.job.task);
                }
                let taken = taken.map(|taken| (status(&taken, &offer.named), offer.job.id));
                Outcome { index, taken }
            })
            .collect()
    }
}

/// A job, after the checks of a single submit in its order.
async fn checked(app: &App, owner: &str, trace: Option<String>, bytes: &Bytes) -> Result<Offer, Problem> {
    let item = Item::read(bytes)?;
    let (task, _) = app.catalogue.find(&item.task).await?;
    let options = SubmitOptions::of(&item.options, &task.card, now_ms())?;
    if item.input.len() as u64 > app.max_body {
        return Err(too_large(app.max_body));
    }
    check_json(&item.input)?;
    if let Some(schema) = &task.schema {
        schema.check(&item.input)?;
    }
    Ok(Offer::new(owner, &task, item.input, options, item.named, trace))
}

/// As PUT: 202 for a new job, 200 for one that its key or id had made before.
fn status(taken: &Taken, named: &Named) -> StatusCode {
    match (taken, named) {
        (Taken::New(..) | Taken::Again, _) | (Taken::Before, Named::Here) => StatusCode::ACCEPTED,
        (Taken::Before, Named::ByKey(_) | Named::ByClient(_)) => StatusCode::OK,
    }
}
