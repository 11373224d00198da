//! The function library `dayfly_v1`: put together from `lua/*.lua`, loaded when absent, replaced when older.

use super::{Queue, QueueError};

/// The revision of the library this program carries. Grows with every change of a `.lua` file.
pub const REVISION: u32 = 1;

impl Queue {
    /// Makes sure that the server holds the library in this revision or a newer one.
    ///
    /// # Errors
    /// [`QueueError::NoLibrary`] without the right to load it, or another [`QueueError`].
    pub async fn ensure_library(&self) -> Result<(), QueueError> {
        todo!()
    }
}
