//! `application/x-www-form-urlencoded` (WHATWG URL, section 5), read strictly: a broken escape or bytes that are not
//! UTF-8 are faults, not replaced by guesses.

/// Why a pair could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("a `%` is not followed by two hexadecimal digits (a plain percent sign is written %25)")]
    Escape,
    #[error("it is not UTF-8")]
    Utf8,
}

/// The pairs of `a=1&b=2`, decoded, in order. Empty pieces (`a=1&&b=2`) are skipped.
pub(crate) fn pairs(raw: &[u8]) -> impl Iterator<Item = Result<(String, String), DecodeError>> {
    raw.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let mut parts = piece.splitn(2, |&byte| byte == b'=');
        let name = decode(parts.next().unwrap_or_default())?;
        let value = decode(parts.next().unwrap_or_default())?;
        Ok((name, value))
    })
}

/// One name or value.
pub(crate) fn decode(raw: &[u8]) -> Result<String, DecodeError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'+', _) => {
                bytes.push(b' ');
                tail
            }
            (b'%', [high, low, after @ ..]) => {
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                after
            }
            (b'%', _) => return Err(DecodeError::Escape),
            (&byte, _) => {
                bytes.push(byte);
                tail
            }
        };
    }
    String::from_utf8(bytes).map_err(|_| DecodeError::Utf8)
}

fn hex(digit: u8) -> Result<u8, DecodeError> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(DecodeError::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_in_order() {
        let read: Result<Vec<_>, _> = pairs(b"a=1&&b=x+y%26z&c&=d&a=%E4%BD%A0%e5%a5%bd").collect();
        let expected = [("a", "1"), ("b", "x y&z"), ("c", ""), ("", "d"), ("a", "\u{4f60}\u{597d}")];
        assert_eq!(read, Ok(expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()));
    }

    #[test]
    fn broken_ones_are_faults() {
        assert_eq!(decode(b"100%"), Err(DecodeError::Escape));
        assert_eq!(decode(b"%zz"), Err(DecodeError::Escape));
        assert_eq!(decode(b"%4"), Err(DecodeError::Escape));
        assert_eq!(decode(b"%FF"), Err(DecodeError::Utf8));
        assert_eq!(decode(b"\xff"), Err(DecodeError::Utf8));
    }
}
