//! Job ids: UUIDs, written in their 36-character hyphenated lower-case form everywhere.

use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The id of a job. Version 7 (RFC 9562) when the server makes it, so that ids sort by creation time;
/// version 8 when it is derived from an `Idempotency-Key`; any version when the client brings it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(Uuid);

/// The text is not a hyphenated UUID.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a job id: it must be a UUID such as 0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90")]
pub struct IdError(pub String);

impl JobId {
    /// A new id, ordered by time.
    #[must_use]
    pub fn now() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id that belongs to an idempotency key of an owner: the first 16 bytes of a SHA-256 over both, marked as
    /// version 8. The same pair always gives the same id, which makes a submit idempotent in one atomic step.
    #[must_use]
    pub fn from_idempotency_key(owner: &str, key: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"dayfly-idempotency-key\0");
        hash.update((owner.len() as u64).to_be_bytes());
        hash.update(owner.as_bytes());
        hash.update(key.as_bytes());
        let digest = hash.finalize();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(Uuid::new_v8(bytes))
    }
}

impl JobId {
    /// Whether it is one of the two UUIDs that stand for no id (RFC 9562, 5.9 and 5.10).
    #[must_use]
    pub fn is_nil_or_max(&self) -> bool {
        self.0.is_nil() || self.0.is_max()
    }
}

impl FromStr for JobId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 36 {
            return Err(IdError(text.chars().take(64).collect()));
        }
        Uuid::try_parse(text).map(Self).map_err(|_| IdError(text.to_owned()))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_scoped_by_owner_and_stable() {
        let one = JobId::from_idempotency_key("ada", "k");
        assert_eq!(one, JobId::from_idempotency_key("ada", "k"));
        assert_ne!(one, JobId::from_idempotency_key("bob", "k"));
        assert_ne!(JobId::from_idempotency_key("a", "bk"), JobId::from_idempotency_key("ab", "k"));
        assert_eq!(one.to_string().as_bytes()[14], b'8');
    }

    #[test]
    fn nil_and_max_are_told() {
        let told = |text: &str| text.parse::<JobId>().map(|id| id.is_nil_or_max());
        assert_eq!(told("00000000-0000-0000-0000-000000000000"), Ok(true));
        assert_eq!(told("ffffffff-ffff-ffff-ffff-ffffffffffff"), Ok(true));
        assert_eq!(told("00000000-0000-0000-0000-000000000001"), Ok(false));
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = JobId::now();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "1", "0198c0de7a3b7cc19f4e2b1d6a5e8f90", "{0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f9}"] {
            assert!(wrong.parse::<JobId>().is_err(), "{wrong}");
        }
    }
}
