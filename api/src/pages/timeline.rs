//! A job's life as bars on one scale, and as a list of its attempts.

use super::{banner, icons, words};
use dayfly_common::{
    model::State,
    queue::{AttemptRecord, JobRecord},
};
use maud::{Markup, html};

/// Width of the drawing, in its own units.
const WIDTH: i64 = 1_000;
const HEIGHT: i64 = 14;
/// Attempts drawn and listed at most, the latest.
const MOST: usize = 50;

/// One stretch of the time line.
struct Bar<'a> {
    from: i64,
    to: i64,
    class: &'a str,
}

/// The time line of a job.
pub(super) fn timeline(record: &JobRecord, attempts: &[AttemptRecord], now: i64) -> Markup {
    let begin = record.created_at;
    let end = record.finished_at.unwrap_or(now).max(begin + 1);
    let skipped = attempts.len().saturating_sub(MOST);
    let shown = &attempts[skipped..];
    let mut bars: Vec<Bar> =
        shown.iter().map(|one| Bar { from: one.started_at, to: one.ended_at, class: &one.outcome }).collect();
    let current = record.started_at.filter(|_| record.state == State::Running);
    if let Some(from) = current {
        bars.push(Bar { from, to: now, class: "running" });
    }
    let at = |time: i64| (time.clamp(begin, end) - begin).saturating_mul(WIDTH) / (end - begin);
    let count = words::count(u64::try_from(bars.len()).unwrap_or(0), "attempt");
    let says = format!("From its submission on, {}: {count}", words::between(begin, end));
    html! {
        h2 #attempts-title { "Attempts" }
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (HEIGHT) }
        preserveAspectRatio="none" role="img" aria-label=(says) {
            rect.waiting x="0" y="4" width=(WIDTH) height=(HEIGHT - 8) {}
            @for bar in &bars {
                @let (from, to) = (at(bar.from), at(bar.to));
                rect class=(bar.class) x=(from) y="0" width=((to - from).max(3)) height=(HEIGHT) {}
            }
        }
        p.ends { (words::time(begin)) span { @if record.finished_at.is_some() { (words::time(end)) } @else { "now" } } }
        @if skipped > 0 { p { (words::count(u64::try_from(skipped).unwrap_or(0), "earlier attempt")) " not shown." } }
        ol.attempts aria-labelledby="attempts-title" {
            @for one in shown {
                li {
                    b { (one.attempt) } " " (icons::outcome(&one.outcome)) " "
                    (words::time(one.started_at)) ", " (words::between(one.started_at, one.ended_at))
                    @if let Some(worker) = &one.worker { " on " code { (worker) } }
                    @let why = banner::of_attempt(one);
                    @if !why.is_empty() { ": " (why) }
                }
            }
            @if let Some(from) = current {
                li {
                    b { (record.attempt) }
                    " " (icons::state(State::Running)) " " (words::time(from))
                    ", " (words::between(from, now)) " so far"
                    @if let Some(worker) = &record.worker { " on " code { (worker) } }
                }
            }
            @if shown.is_empty() && current.is_none() { li { "None has begun." } }
        }
    }
}
