//! Ids of stream entries. Within a stream they only grow.

use std::{fmt, str::FromStr};

/// The id of a stream's entry, `<ms>-<number>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    ms: u64,
    number: u64,
}

/// Not the id of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the id of a stream's entry, such as 1700000000000-0")]
pub struct EntryIdError;

impl EntryId {
    /// Before all entries.
    pub const ZERO: Self = Self { ms: 0, number: 0 };

    /// When the entry was written, ms since the epoch, by the server's clock.
    #[must_use]
    pub fn ms(self) -> i64 {
        i64::try_from(self.ms).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.ms, self.number)
    }
}

impl FromStr for EntryId {
    type Err = EntryIdError;

    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        // Not what `u64::from_str` takes: it would let a plus sign pass.
        let whole = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten().ok_or(EntryIdError)
        };
        let (ms, number) = text.split_once('-').ok_or(EntryIdError)?;
        Ok(Self { ms: whole(ms)?, number: whole(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written() {
        for text in ["0-0", "1700000000000-12", "18446744073709551615-18446744073709551615"] {
            assert_eq!(text.parse::<EntryId>().unwrap().to_string(), text);
        }
        for text in ["", "-", "+", "1", "1-", "-1", "+1-0", "1-0-0", "a-0", "18446744073709551616-0", "(1-0", "1-0 "] {
            assert_eq!(text.parse::<EntryId>(), Err(EntryIdError), "{text}");
        }
    }

    #[test]
    fn they_are_in_the_order_of_the_stream() {
        let ids = ["0-0", "0-9", "0-10", "9-0", "10-0"].map(|text| text.parse::<EntryId>().unwrap());
        assert!(ids.is_sorted() && ids[0] == EntryId::ZERO);
        assert_eq!(ids[4].ms(), 10);
    }
}
