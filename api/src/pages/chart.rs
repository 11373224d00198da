//! Throughput and failures over time: bars, drawn by hand as SVG, with the same numbers as a table.
//!
//! What succeeded stands above the line and what failed below it, so that nobody has to tell colours apart.

use super::words;
use dayfly_common::{
    model::State,
    queue::{ByState, Minute},
};
use maud::{Markup, html};

const BAR: u64 = 10;
const GAP: u64 = 2;
const UP: u64 = 90;
const DOWN: u64 = 40;

/// What happened between two notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) until: i64,
    pub(super) submitted: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    /// Waited at its end.
    pub(super) waiting: u64,
}

/// What happened from one note to the next. A task that was forgotten takes its totals along: no less than nothing
/// happened.
pub(super) fn steps(minutes: &[Minute]) -> Vec<Step> {
    let of = |sums: &ByState, state| sums.get(&state).copied().unwrap_or(0);
    let all = |sums: &ByState| State::ALL.into_iter().map(|state| of(sums, state)).sum::<u64>();
    let step = |pair: &[Minute]| {
        let (before, after) = (&pair[0].sums, &pair[1].sums);
        let more = |state| of(after, state).saturating_sub(of(before, state));
        Step {
            until: pair[1].at,
            submitted: all(after).saturating_sub(all(before)),
            succeeded: more(State::Succeeded),
            failed: more(State::Failed),
            cancelled: more(State::Cancelled),
            waiting: of(after, State::Queued) + of(after, State::Scheduled),
        }
    };
    minutes.windows(2).map(step).collect()
}

/// The drawing and its table. `places`: how many steps there is room for; the latest stand at the right.
pub(super) fn chart(steps: &[Step], places: usize, what: &str) -> Markup {
    let (room, count) = (u64::try_from(places).unwrap_or(1), u64::try_from(steps.len()).unwrap_or(0));
    let width = room * (BAR + GAP);
    let most_up = steps.iter().map(|step| step.succeeded).max().unwrap_or(0).max(1);
    let most_down = steps.iter().map(|step| step.failed).max().unwrap_or(0).max(1);
    let (succeeded, failed): (u64, u64) =
        steps.iter().fold((0, 0), |(up, down), step| (up + step.succeeded, down + step.failed));
    let says = format!("{what}: {} succeeded, {} failed", words::number(succeeded), words::number(failed));
    // What is there at all is seen, however small beside the rest.
    let high = |of: u64, most: u64, room: u64| if of == 0 { 0 } else { (of * room).div_ceil(most).max(2) };
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (width) " " (UP + DOWN + 2) } role="img" aria-label=(says) preserveAspectRatio="none" {
                @for (at, step) in steps.iter().enumerate() {
                    @let x = (room.saturating_sub(count) + u64::try_from(at).unwrap_or(0)) * (BAR + GAP);
                    @let (up, down) = (high(step.succeeded, most_up, UP), high(step.failed, most_down, DOWN));
                    g {
                        title {
                            (clock(step.until)) ": " (step.succeeded) " succeeded, " (step.failed) " failed, "
                            (step.submitted) " submitted"
                        }
                        rect.hover x=(x) y="0" width=(BAR) height=(UP + DOWN + 2) {}
                        @if up > 0 { rect.succeeded x=(x) y=(UP - up) width=(BAR) height=(up) {} }
                        @if down > 0 { rect.failed x=(x) y=(UP + 2) width=(BAR) height=(down) {} }
                    }
                }
                rect.axis x="0" y=(UP) width=(width) height="2" {}
            }
            figcaption {
                span.key {
                    svg.mark viewBox="0 0 16 16" aria-hidden="true" {
                        rect.succeeded x="5" y="2" width="6" height="12" {}
                    }
                    "above: succeeded, at most " (words::number(most_up))
                }
                " " span.key {
                    svg.mark viewBox="0 0 16 16" aria-hidden="true" { rect.failed x="5" y="2" width="6" height="12" {} }
                    "below: failed, at most " (words::number(most_down))
                }
            }
        }
        details #numbers {
            summary { "The same as a table" }
            div.scroll role="region" aria-label="Throughput" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "until" } th scope="col" { "submitted" }
                            th scope="col" { "succeeded" } th scope="col" { "failed" }
                            th scope="col" { "cancelled" } th scope="col" { "waiting" }
                        }
                    }
                    tbody { @for step in steps.iter().rev() {
                        tr {
                            td { (clock(step.until)) } td { (step.submitted) } td { (step.succeeded) }
                            td { (step.failed) } td { (step.cancelled) } td { (step.waiting) }
                        }
                    } }
                }
            }
        }
    }
}

fn clock(ms: i64) -> String {
    dayfly_common::model::format_rfc3339_ms(ms).get(11..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(at: i64, succeeded: u64, failed: u64, queued: u64) -> Minute {
        let sums = [(State::Succeeded, succeeded), (State::Failed, failed), (State::Queued, queued)].into();
        Minute { at, sums, ..Minute::default() }
    }

    #[test]
    fn steps_are_differences_and_never_below_nothing() {
        let steps = steps(&[minute(0, 10, 1, 5), minute(60_000, 17, 1, 2), minute(120_000, 3, 2, 0)]);
        let first = Step { until: 60_000, submitted: 4, succeeded: 7, failed: 0, cancelled: 0, waiting: 2 };
        assert_eq!(steps[0], first);
        assert_eq!((steps[1].succeeded, steps[1].failed, steps[1].submitted), (0, 1, 0));
        assert!(super::steps(&[minute(0, 1, 1, 1)]).is_empty());
    }

    #[test]
    fn the_drawing_says_its_numbers() {
        let steps = steps(&[minute(0, 0, 0, 0), minute(60_000, 1_500, 3, 0)]);
        let drawn = chart(&steps, 60, "The last hour").into_string();
        assert!(drawn.contains("aria-label=\"The last hour: 1,500 succeeded, 3 failed\""), "{drawn}");
        assert!(drawn.contains("<td>1500</td>") && !drawn.contains("style="));
    }
}
