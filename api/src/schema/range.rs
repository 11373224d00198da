//! Numbers beyond what a double holds, in the copy of an input that is held against a schema.

use std::borrow::Cow;

/// The text with each such number replaced by the largest or smallest double: it fits or exceeds a bound as the number itself
/// does. JSON has no largest number (RFC 8259, 6), and a job gets every digit; only the parser of this copy has one.
///
/// `json` must be well-formed; what is not stays as it is.
pub(super) fn within_range(json: &[u8]) -> Cow<'_, [u8]> {
    let (mut kept, mut copied, mut at) = (Vec::new(), 0, 0);
    while at < json.len() {
        match json[at] {
            b'"' => at = end_of_text(json, at),
            b'-' | b'0'..=b'9' => {
                let end = json[at..].iter().position(|byte| !is_of_number(*byte)).map_or(json.len(), |len| at + len);
                if let Some(bound) = bound_of(&json[at..end]) {
                    kept.extend_from_slice(&json[copied..at]);
                    kept.extend_from_slice(bound.to_string().as_bytes());
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    kept.extend_from_slice(&json[copied..]);
    Cow::Owned(kept)
}

/// The place after a text that begins at `at`.
fn end_of_text(json: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

fn bound_of(number: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    number.is_infinite().then_some(if number > 0.0 { f64::MAX } else { f64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_out_of_range_are_replaced() {
        let same = br#"{"a":[1,-2.5e3,123456789012345678901234567890],"1e999":"1e999 \" 1e999"}"#;
        assert!(matches!(within_range(same), Cow::Borrowed(text) if text == same));
        let digits = "9".repeat(400);
        let json = format!(r#"{{"a":{digits},"b":[-1e999, 3],"c":"{digits}"}}"#);
        let bounded: serde_json::Value = serde_json::from_slice(&within_range(json.as_bytes())).unwrap();
        assert_eq!(bounded["a"], serde_json::json!(f64::MAX));
        assert_eq!((&bounded["b"], &bounded["c"]), (&serde_json::json!([f64::MIN, 3]), &digits.into()));
    }

    #[test]
    fn what_is_no_json_does_no_harm() {
        for text in [&b"\""[..], b"\"\\", b"-", b"1e", b"--1e999"] {
            assert_eq!(&*within_range(text), text);
        }
    }
}
