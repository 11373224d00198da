//! Checking JSON without building it: grammar, UTF-8 and depth. Numbers are never looked at, so none loses a digit.

use crate::error::{Code, Problem};
use serde_json::value::RawValue;

/// Deepest nesting of arrays and objects taken; what validates a parsed copy, and most programs, break at 128.
pub(crate) const DEEPEST: usize = 100;

/// Refuses what is not one JSON text.
pub(crate) fn check_json(bytes: &[u8]) -> Result<&RawValue, Problem> {
    let raw: &RawValue = serde_json::from_slice(bytes).map_err(|why| {
        Problem::new(Code::MalformedJson, format!("The body is not JSON: {why}. It is handed to the job as it is."))
    })?;
    if depth(bytes) > DEEPEST {
        return Err(Problem::new(
            Code::MalformedJson,
            format!("The body's arrays and objects are nested more than {DEEPEST} deep, which is the most taken."),
        ));
    }
    Ok(raw)
}

/// How deep arrays and objects of a grammatical JSON text are nested.
fn depth(bytes: &[u8]) -> usize {
    let (mut now, mut most) = (0_usize, 0_usize);
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'[' | b'{' => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' => now = now.saturating_sub(1),
            b'"' => skip_string(&mut rest),
            _ => {}
        }
    }
    most
}

fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(rest.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_whatever_its_numbers() {
        for text in
            ["1", " {\"n\": 123456789012345678901234567890.10} \n", "[1e999, \"]\\\"[\"]", "\"\\ud800\"", "null"]
        {
            assert_eq!(check_json(text.as_bytes()).unwrap().get(), text.trim(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for bytes in [&b"{"[..], b"{'a':1}", b"1 2", b"NaN", b"\xef\xbb\xbf1", b"\"\xff\"", b"[1,]"] {
            assert_eq!(check_json(bytes).unwrap_err().code(), Code::MalformedJson);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |times: usize| format!("{}{}", "[".repeat(times), "]".repeat(times));
        assert!(check_json(nested(DEEPEST).as_bytes()).is_ok());
        assert!(check_json(nested(DEEPEST + 1).as_bytes()).unwrap_err().detail().contains("100"));
        assert!(check_json(nested(1_000_000).as_bytes()).is_err());
        assert_eq!(depth(br#"{"a":["[[[\"[[",{}]}"#), 3);
    }
}
