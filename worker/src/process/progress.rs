//! What a job says on the event pipe that is no line of its log, and of which only the latest counts: its progress, and what ended it.

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
}

/// A line that means something.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Progress(Progress),
    /// An exception of the language it is written in: `type: message`.
    Exception(String),
}

/// `{"progress":0.5,"message":".."}`, each part optional, or `{"exception":{"type":"..","message":".."}}`; anything else is only
/// logged.
pub(super) fn read(line: &str) -> Option<Told> {
    let event: ProgramEvent = serde_json::from_str(line).ok()?;
    if let Some(Exception { r#type, message }) = event.exception {
        let text = if message.is_empty() { r#type } else { format!("{type}: {message}", type = r#type) };
        return Some(Told::Exception(text.chars().take(MESSAGE).collect()));
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
        assert_eq!(
            raised(r#"{"exception":{"type":"ValueError","message":"no"}}"#),
            Told::Exception("ValueError: no".to_owned())
        );
        assert_eq!(raised(r#"{"exception":{"type":"KeyError","message":""}}"#), Told::Exception("KeyError".to_owned()));
        for wrong in [
            "",
            "{}",
            "[]",
            "0.5",
            r#"{"progress":"half"}"#,
            r#"{"progres":0.5}"#,
            r#"{"exception":"no"}"#,
            "{\"progress\":0.5",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
