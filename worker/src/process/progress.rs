//! What a job says on the event pipe that is no line of its log, and of which only the latest counts: its progress, and what ended it.

use super::Raised;
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
    exception: Option<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    r#type: String,
    message: String,
    /// False: the job says that another attempt cannot go better.
    #[serde(default = "yes")]
    retry: bool,
}

fn yes() -> bool {
    true
}

/// A line that means something.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Progress(Progress),
    /// An exception of the language it is written in.
    Exception(Raised),
}

/// `{"progress":0.5,"message":".."}`, each part optional, or `{"exception":{"type":"..","message":"..","retry":false}}`, where
/// `retry` is true when it is left out; anything else is only logged.
pub(super) fn read(line: &str) -> Option<Told> {
    let event: ProgramEvent = serde_json::from_str(line).ok()?;
    if let Some(Exception { r#type, message, retry }) = event.exception {
        let text = if message.is_empty() { r#type } else { format!("{type}: {message}", type = r#type) };
        return Some(Told::Exception(Raised { text: text.chars().take(MESSAGE).collect(), retry }));
    }
    if event.progress.is_none() && event.message.is_none() {
        return None;
    }
    let fraction = event.progress.map(|value| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 });
    let message = event.message.map(|text| text.chars().take(MESSAGE).collect());
    Some(Told::Progress(Progress { fraction, message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_held_to_its_range_and_anything_else_is_a_line() {
        let nearly = Progress { fraction: Some(1.0), message: Some("nearly".to_owned()) };
        assert_eq!(read(r#"{"progress":1.5,"message":"nearly"}"#), Some(Told::Progress(nearly)));
        let raised = |line| read(line).expect("an exception");
        let told = |text: &str, retry| Told::Exception(Raised { text: text.to_owned(), retry });
        assert_eq!(raised(r#"{"exception":{"type":"ValueError","message":"no"}}"#), told("ValueError: no", true));
        assert_eq!(raised(r#"{"exception":{"type":"KeyError","message":""}}"#), told("KeyError", true));
        assert_eq!(raised(r#"{"exception":{"type":"Fail","message":"x","retry":false}}"#), told("Fail: x", false));
        for wrong in [
            "",
            "{}",
            "[]",
            "0.5",
            r#"{"progress":"half"}"#,
            r#"{"progres":0.5}"#,
            r#"{"exception":"no"}"#,
            r#"{"exception":{"type":"Fail","message":"x","retry":0}}"#,
            "{\"progress\":0.5",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
