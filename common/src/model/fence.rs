//! Fences: the proof of the right to write about an attempt.

use std::{fmt, str::FromStr};

/// A worker's own random name for one claim: 16 lower-case hex digits. Asking again with the same nonce gives the
/// same job again, so a claim whose reply was lost is repeated, never doubled.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Nonce(String);

/// `<attempt>-<nonce>`: every write of an attempt carries it, and a function refuses one that is not the record's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fence {
    /// 1 for the first run of the job.
    pub attempt: u32,
    /// The nonce of the claim that began this attempt.
    pub nonce: Nonce,
}

/// The text is not `<attempt>-<16 hex digits>`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a fence: expected <attempt>-<16 hex digits>")]
pub struct FenceError(pub String);

/// 64 random bits of the kernel.
///
/// # Panics
/// When the kernel has no randomness (`getrandom(2)` failed): nothing can be promised then.
#[must_use]
pub fn random_u64() -> u64 {
    getrandom::u64().expect("getrandom(2) gives random bytes")
}

impl Nonce {
    /// A fresh random nonce.
    ///
    /// # Panics
    /// See [`random_u64`].
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:016x}", random_u64()))
    }

    /// The nonce as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nonce {
    type Err = FenceError;

    fn from_str(text: &str) -> Result<Self, FenceError> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 16 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FenceError(text.to_owned()))
        }
    }
}

impl FromStr for Fence {
    type Err = FenceError;

    fn from_str(text: &str) -> Result<Self, FenceError> {
        let (attempt, nonce) = text.split_once('-').ok_or_else(|| FenceError(text.to_owned()))?;
        let attempt = attempt.parse().map_err(|_| FenceError(text.to_owned()))?;
        Ok(Self { attempt, nonce: nonce.parse()? })
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.attempt, self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_reads_back_as_it_was_written() {
        let fence = Fence { attempt: 3, nonce: Nonce::random() };
        assert_eq!(fence.to_string().parse(), Ok(fence));
        for wrong in ["", "3", "3-", "x-0011223344556677", "3-00112233445566zz", "3-0011223344556677-"] {
            assert!(wrong.parse::<Fence>().is_err(), "{wrong}");
        }
    }
}
