//! Request headers that steer a submit: `Prefer` (RFC 7240), `Idempotency-Key`, `traceparent` (W3C).

use crate::error::{Code, Problem};
use axum::http::{HeaderMap, HeaderName};
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longest key taken, characters.
const LONGEST_KEY: usize = 255;

/// A `Prefer: wait` as it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preference {
    /// Whole seconds, already capped.
    pub(crate) seconds: u64,
}

impl Preference {
    /// Rounded down to the cap where that is less than the seconds.
    pub(crate) fn bound(self, cap_ms: u64) -> Duration {
        Duration::from_millis(self.seconds.saturating_mul(1000).min(cap_ms))
    }

    /// For `Preference-Applied`.
    pub(crate) fn applied(self) -> String {
        format!("wait={}", self.seconds)
    }
}

/// The `wait` of `Prefer`, capped. One that cannot be read is ignored, as the RFC has it; the absent
/// `Preference-Applied` shows it.
pub(crate) fn prefer_wait(headers: &HeaderMap, cap_ms: u64) -> Option<Preference> {
    headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).find_map(
        |preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            let value = value.trim().trim_matches('"');
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            // What overflows is long enough.
            let seconds: u64 = digits.then(|| value.parse().unwrap_or(u64::MAX))?;
            let seconds = seconds.min(cap_ms.div_ceil(1000));
            name.trim().eq_ignore_ascii_case("wait").then_some(Preference { seconds })
        },
    )
}

/// The `Idempotency-Key`, without its quotes when it has them.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |why: &str| Err(Problem::new(Code::BadId, format!("The `Idempotency-Key` {}", bad_key(why))));
    if values.next().is_some() {
        return wrong("was sent twice");
    }
    let Ok(text) = std::str::from_utf8(value.as_bytes()) else { return wrong("is not UTF-8") };
    let text = text.trim();
    let key = match text.strip_prefix('"') {
        None => text.to_owned(),
        Some(rest) => match rest.strip_suffix('"').filter(|inner| !ends_in_escape(inner)) {
            None => return wrong("begins with a quote and does not end with one"),
            Some(inner) => unescape(inner),
        },
    };
    match checked_key(key) {
        Ok(key) => Ok(Some(key)),
        Err(why) => Err(Problem::new(Code::BadId, format!("The `Idempotency-Key` {why}"))),
    }
}

/// An idempotency key of a length that is taken; else what is wrong with it.
pub(super) fn checked_key(key: String) -> Result<String, String> {
    match key.chars().count() {
        0 => Err(bad_key("is empty")),
        1..=LONGEST_KEY => Ok(key),
        _ => Err(bad_key("is too long")),
    }
}

fn bad_key(why: &str) -> String {
    format!("{why}. Send 1 to {LONGEST_KEY} characters, for example a UUID.")
}

/// Whether the closing quote was itself escaped.
fn ends_in_escape(inner: &str) -> bool {
    inner.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}

/// A structured field's string (RFC 8941, 3.3.3): a backslash makes the next character plain.
fn unescape(inner: &str) -> String {
    let mut chars = inner.chars();
    let mut plain = String::with_capacity(inner.len());
    while let Some(char) = chars.next() {
        plain.push(if char == '\\' { chars.next().unwrap_or('\\') } else { char });
    }
    plain
}

/// A well-formed `traceparent` of version 00, to be handed to the job's program.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let mut hex = |digits: usize| {
        parts.next().is_some_and(|part| {
            part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    };
    let shaped = text.starts_with("00-") && hex(2) && hex(32) && hex(16) && hex(2) && text.len() == 55;
    shaped.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_wait_is_read_and_capped() {
        for (text, seconds) in [
            ("wait=10", Some(10)),
            ("respond-async, wait=5", Some(5)),
            ("Wait = 7; x=y", Some(7)),
            ("wait=100000", Some(60)),
            ("wait=0", Some(0)),
            ("wait=soon", None),
            ("wait", None),
            ("respond-async", None),
        ] {
            let read = prefer_wait(&with(PREFER, text), 60_000);
            assert_eq!(read.map(|preference| preference.seconds), seconds, "{text}");
        }
        assert_eq!(prefer_wait(&HeaderMap::new(), 60_000), None);
        assert_eq!(Preference { seconds: 1 }.bound(500), Duration::from_millis(500));
    }

    #[test]
    fn a_key_is_the_same_quoted_or_bare() {
        for (text, key) in [("abc", "abc"), ("\"abc\"", "abc"), (" \"a b\" ", "a b"), (r#""a\"b\\""#, r#"a"b\"#)] {
            assert_eq!(idempotency_key(&with(IDEMPOTENCY_KEY, text)).unwrap().as_deref(), Some(key), "{text}");
        }
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        for text in ["", "\"\"", "\"abc", r#""abc\""#, &"k".repeat(256)] {
            let problem = idempotency_key(&with(IDEMPOTENCY_KEY, text)).unwrap_err();
            assert_eq!(problem.code(), Code::BadId, "{text}");
        }
    }

    #[test]
    fn only_a_whole_traceparent_is_handed_on() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(&with(TRACEPARENT, good)).as_deref(), Some(good));
        for wrong in ["", "00-0af7-b7-01", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-\u{e4}"] {
            assert_eq!(traceparent(&with(TRACEPARENT, wrong)), None, "{wrong}");
        }
    }
}
