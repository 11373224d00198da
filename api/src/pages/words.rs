//! Numbers and times as people read them.

use dayfly_common::model::format_rfc3339_ms;
use maud::{Markup, html};

/// `850 ms`, `12.3 s`, `4 min 5 s`, `3 h 2 min`, `5 d 1 h`.
pub(super) fn duration(ms: u64) -> String {
    let s = ms / 1_000;
    let two = |large: u64, unit: &str, small: u64, below: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {below}"),
    };
    match s {
        0 => format!("{ms} ms"),
        1..60 if ms % 1_000 >= 100 => format!("{s}.{} s", ms % 1_000 / 100),
        1..60 => format!("{s} s"),
        60..3_600 => two(s / 60, "min", s % 60, "s"),
        3_600..86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// From one time to another; nothing when the clocks disagree.
pub(super) fn between(from: i64, to: i64) -> String {
    duration(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// `2026-01-31 12:00:00`, with the whole of it for programs and on hover.
pub(super) fn time(ms: i64) -> Markup {
    let whole = format_rfc3339_ms(ms);
    let shown = whole.get(..19).unwrap_or(&whole).replace('T', " ");
    html! { time datetime=(whole) title=(whole) { (shown) } }
}

/// `12 s ago`
pub(super) fn ago(ms: i64, now: i64) -> Markup {
    let whole = format_rfc3339_ms(ms);
    // Whole seconds: more is noise in what is seen in passing.
    let age = u64::try_from(now.saturating_sub(ms)).unwrap_or(0) / 1_000 * 1_000;
    html! { time datetime=(whole) title=(whole) { @if age == 0 { "just now" } @else { (duration(age)) " ago" } } }
}

/// `1.5 MiB`
pub(super) fn size(bytes: u64) -> String {
    for (unit, name) in [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// `12,345`
pub(super) fn number(of: u64) -> String {
    let digits = of.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 job`, `2 jobs`
pub(super) fn count(of: u64, one: &str) -> String {
    format!("{} {one}{}", number(of), if of == 1 { "" } else { "s" })
}

/// At most so many characters of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (ms, text) in [
            (0, "0 ms"),
            (850, "850 ms"),
            (1_000, "1 s"),
            (12_345, "12.3 s"),
            (60_000, "1 min"),
            (245_000, "4 min 5 s"),
            (10_920_000, "3 h 2 min"),
            (435_600_000, "5 d 1 h"),
        ] {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(between(5, 1), "0 ms");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 512, 1_536, 3 << 30].map(size), ["0 B", "512 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!((count(1, "job"), count(2_000, "job")), ("1 job".to_owned(), "2,000 jobs".to_owned()));
        assert_eq!((cut("äöü", 2), cut("äö", 2)), ("äö…".to_owned(), "äö".to_owned()));
        assert_eq!(ago(0, 12_900).into_string().split('>').nth(1), Some("12 s ago</time"));
    }
}
