//! Nonces, of which the model needs only a few at a time: one that nothing names any more is as good as new.

use crate::rules::WORKERS;

/// A claim's own mark. Which worker drew it can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Nonce(u8);

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Nonces(u16);

const PER_WORKER: u8 = 8;
const _: () = assert!(WORKERS * PER_WORKER as usize == u16::BITS as usize, "a bit for each nonce");

impl Nonce {
    pub(crate) fn all_of(worker: usize) -> impl Iterator<Item = Self> {
        (0..PER_WORKER * 2).map(Self).filter(move |nonce| nonce.worker() == worker)
    }

    pub(crate) fn worker(self) -> usize {
        usize::from(self.0 / PER_WORKER)
    }

    /// The one that the other worker would have drawn.
    pub(crate) fn mirrored(self) -> Self {
        Self((self.0 + PER_WORKER) % (PER_WORKER * 2))
    }
}

impl Nonces {
    pub(crate) fn add(&mut self, nonce: Nonce) {
        self.0 |= 1 << nonce.0;
    }

    pub(crate) fn has(self, nonce: Nonce) -> bool {
        self.0 & (1 << nonce.0) != 0
    }

    /// Drops all others.
    pub(crate) fn keep(&mut self, only: Self) {
        self.0 &= only.0;
    }

    pub(crate) fn mirrored(self) -> Self {
        Self(self.0.rotate_left(u32::from(PER_WORKER)))
    }
}
