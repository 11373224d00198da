//! Progress: the one thing of the event pipe of which only the latest counts.

use dayfly_common::queue::Progress;
use serde::Deserialize;

/// Longest message, characters.
const MESSAGE: usize = 500;

/// One line of the event pipe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramEvent {
    progress: Option<f64>,
    message: Option<String>,
}

/// `{"progress":0.5,"message":".."}`, each part optional; anything else is only logged.
pub(super) fn read(line: &str) -> Option<Progress> {
    let event: ProgramEvent = serde_json::from_str(line).ok()?;
    if event.progress.is_none() && event.message.is_none() {
        return None;
    }
    let fraction = event.progress.map(|value| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 });
    let message = event.message.map(|text| text.chars().take(MESSAGE).collect());
    Some(Progress { fraction, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_held_to_its_range_and_anything_else_is_a_line() {
        let progress = read(r#"{"progress":1.5,"message":"nearly"}"#).expect("progress");
        assert_eq!((progress.fraction, progress.message.as_deref()), (Some(1.0), Some("nearly")));
        for wrong in ["", "{}", "[]", "0.5", r#"{"progress":"half"}"#, r#"{"progres":0.5}"#, "{\"progress\":0.5"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
