//! Which jobs: the filter of lists and of actions on many.

use super::options;
use clap::Args as ArgsOf;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// All that is said must be true of a job.
#[derive(Debug, Clone, ArgsOf)]
#[command(next_help_heading = "Filter")]
pub(crate) struct Filter {
    /// Of this state: queued, scheduled, running, succeeded, failed, cancelled.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Of this task.
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// This worker runs it or ran it last.
    #[arg(long, value_name = "ID")]
    worker: Option<String>,
    /// It failed so: exit, timeout, memory, ..
    #[arg(long, value_name = "KIND")]
    error_kind: Option<String>,
    /// With this label. May be repeated.
    #[arg(long, value_name = "NAME:VALUE")]
    label: Vec<String>,
    /// Submitted since: an RFC 3339 time, or a duration ago such as 1h.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,
    /// Submitted before: an RFC 3339 time, or a duration ago.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,
}

impl Filter {
    fn single(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = [
            ("state", &self.state),
            ("task", &self.task),
            ("worker", &self.worker),
            ("error_kind", &self.error_kind),
            ("since", &self.since),
            ("until", &self.until),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// Nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.single().next().is_none() && self.label.is_empty()
    }

    /// `?state=failed&..` with further pairs.
    pub(super) fn query<'a>(&'a self, more: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let labels = self.label.iter().map(|label| ("label", label.as_str()));
        options::query(self.single().chain(labels).chain(more))
    }

    /// `{"state": "failed", ..}`
    pub(super) fn object(&self) -> Value {
        let mut object: Map<String, Value> =
            self.single().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        if !self.label.is_empty() {
            object.insert("label".to_owned(), json!(self.label));
        }
        Value::Object(object)
    }
}

/// An RFC 3339 time: as given, or so long ago.
fn time(text: &str) -> Result<String, String> {
    if text.parse::<Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    let ms = dayfly_common::model::parse_duration(text)
        .map_err(|_| "use a time such as 2030-01-31T12:00:00Z, or a duration ago such as 90m".to_owned())?;
    let ago = jiff::SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    let then = Timestamp::now().checked_sub(ago).map_err(|_| "that is too long ago".to_owned())?;
    Ok(format!("{then:.3}"))
}
