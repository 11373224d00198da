//! Times that clients write.

use crate::error::{Code, Problem};
use dayfly_common::model::format_rfc3339_ms;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// Furthest an `at` may lie ahead, as for durations: ten years.
const FURTHEST_MS: i64 = 10 * 365 * 86_400_000;

/// An RFC 3339 time as ms since the epoch. `name` is the option it was given for.
pub(crate) fn time(name: &str, text: &str) -> Result<i64, Problem> {
    let read: Result<Timestamp, _> = text.parse();
    read.map(|at| at.as_millisecond()).map_err(|_| {
        let (shown, example) = (text.chars().take(80).collect::<String>(), format_rfc3339_ms(now_ms()));
        let detail = format!(
            "`{name}={shown}` is not an RFC 3339 time: write it like {example} (in a query a plus sign is %2B)."
        );
        Problem::new(Code::BadOption, detail)
    })
}

/// As [`time`], for when a job may start.
pub(crate) fn at_time(text: &str) -> Result<i64, Problem> {
    let at = time("at", text)?;
    if at.saturating_sub(now_ms()) > FURTHEST_MS {
        return Err(Problem::new(Code::OptionOutOfRange, "`at` lies more than ten years ahead."));
    }
    Ok(at)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
