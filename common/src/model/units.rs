//! Durations, sizes and times as people write them. A bare number is a fault everywhere: its unit would be a guess.

use jiff::{SignedDuration, Timestamp};

/// A duration or size that could not be read; says what would be right.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct UnitError(pub String);

/// Longest duration taken anywhere: ten years, far within what Redis' expiry and a double's digits hold.
const LONGEST_MS: u64 = 10 * 365 * 86_400_000;

/// Reads `"250ms"`, `"30s"`, `"10m"`, `"1h30m"`, `"7d"` into ms.
///
/// # Errors
/// No unit, an unknown one, a negative or a too long duration.
pub fn parse_duration(text: &str) -> Result<u64, UnitError> {
    let trimmed = text.trim();
    let wrong = |why: &str| UnitError(format!("`{trimmed}` is not a duration: {why}"));
    if trimmed.is_empty() || trimmed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong("it needs a unit, for example 250ms, 30s, 10m, 2h or 7d"));
    }
    // jiff's friendly format has no days in a plain duration (a day's length depends on the calendar); here a day
    // is 24 hours, as in Redis' expiry times.
    let (days, rest) = match trimmed.split_once('d') {
        Some((days, rest)) if days.bytes().all(|byte| byte.is_ascii_digit()) && !days.is_empty() => {
            (days.parse::<u64>().map_err(|_| wrong("it is too long"))?, rest)
        }
        _ => (0, trimmed),
    };
    let rest_ms = if rest.trim().is_empty() && days > 0 || rest.is_empty() {
        0
    } else {
        let parsed: SignedDuration =
            rest.trim().parse().map_err(|_| wrong("write it like 250ms, 30s, 10m, 1h30m or 7d"))?;
        u64::try_from(parsed.as_millis()).map_err(|_| wrong("it must not be negative"))?
    };
    days.checked_mul(86_400_000)
        .and_then(|ms| ms.checked_add(rest_ms))
        .filter(|ms| *ms <= LONGEST_MS)
        .ok_or_else(|| wrong("it is too long (at most 3650d)"))
}

/// Reads `"256MiB"`, `"1GB"`, `"64KiB"`, `"100B"` into bytes.
///
/// # Errors
/// No unit, or an unknown one.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(UnitError(format!(
            "`{trimmed}` is not a size: it needs a unit, for example 64KiB, 256MiB or 8GiB"
        )));
    }
    trimmed
        .parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| UnitError(format!("`{trimmed}` is not a size: write it like 64KiB, 256MiB or 8GiB")))
}

/// `256 MiB`; plain bytes when they are no whole number of KiB.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fitting = units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fitting.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}

/// RFC 3339 in UTC with ms, from ms since the epoch: `2026-01-31T12:00:00.123Z`.
#[must_use]
pub fn format_rfc3339_ms(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_units() {
        for (text, ms) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("0s", 0),
            ("1d12h", 129_600_000),
            ("1.5s", 1_500),
        ] {
            assert_eq!(parse_duration(text), Ok(ms), "{text}");
        }
        for wrong in ["", "30", "1.5", "-3s", "soon", "5 parsecs", "99999999d", "d", "s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_need_units() {
        assert_eq!(parse_size("256MiB"), Ok(256 << 20));
        assert_eq!(parse_size("1MB"), Ok(1_000_000));
        assert_eq!(parse_size("100B"), Ok(100));
        for wrong in ["", "256", "many", "1XB", "-1MiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_told_in_the_largest_whole_unit() {
        for (bytes, text) in
            [(0, "0 bytes"), (1_000, "1000 bytes"), (3 << 10, "3 KiB"), (1_536 << 20, "1536 MiB"), (8 << 30, "8 GiB")]
        {
            assert_eq!(format_size(bytes), text);
        }
    }

    #[test]
    fn times_have_three_digits() {
        assert_eq!(format_rfc3339_ms(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format_rfc3339_ms(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
    }
}
