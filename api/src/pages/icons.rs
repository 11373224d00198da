//! A mark and a word for each state: never colour alone.

use dayfly_common::model::State;
use maud::{Markup, html};

/// The shape of a state, in a box of 16 by 16.
const fn shape(state: State) -> &'static str {
    match state {
        State::Scheduled => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 5v3l2 2",
        State::Queued => "M3 4h10M3 8h10M3 12h10",
        State::Running => "M5 3l8 5-8 5z",
        State::Succeeded => "M3 8.5l3.5 3.5L13 4.5",
        State::Failed => "M4 4l8 8M12 4l-8 8",
        State::Cancelled => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M4 4l8 8",
    }
}

/// The state with its mark.
pub(super) fn state(of: State) -> Markup {
    html! { span class={ "state " (of) } { (mark(of)) (of) } }
}

/// The mark alone, for where the word stands beside it.
pub(super) fn mark(of: State) -> Markup {
    html! { svg.mark viewBox="0 0 16 16" aria-hidden="true" { path d=(shape(of)) {} } }
}

/// An attempt's outcome, which may be none that a job can end in.
pub(super) fn outcome(word: &str) -> Markup {
    match word.parse::<State>() {
        Ok(of) => state(of),
        Err(_) => html! { span.state { (word) } },
    }
}
