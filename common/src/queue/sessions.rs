//! Sessions of browsers: `session:<id>`, a hash of the token that somebody signed in with and the SHA-256 of the session's own
//! secret. What a session may do is what its token may, as long as that is good; it runs out by itself.

use super::{
    Queue, QueueError,
    reply::{pairs, text},
};
use crate::model::{Token, TokenDigest, TokenId};
use redis::{Cmd, Value};
use std::collections::HashMap;

/// How long a session lasts, ms.
pub const SESSION_MS: u64 = 12 * 3_600_000;

/// A session as stored.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// The token that it stands for.
    pub token: TokenId,
    /// SHA-256 of the session's own text.
    pub digest: TokenDigest,
}

impl Queue {
    /// Begins a session for the bearer of a token. `session` is a fresh one of the form of a token; only its SHA-256 is stored.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn begin_session(&self, session: &Token, token: &TokenId) -> Result<(), QueueError> {
        let key = self.keys.session(session.id());
        let mut store = command("HSET", key.clone());
        store.arg("token").arg(token.as_str()).arg("sha256").arg(session.digest().to_string());
        let mut forget = command("PEXPIRE", key);
        forget.arg(SESSION_MS);
        self.ask_replicated(vec![store, forget]).await.map(drop)
    }

    /// The session of this id.
    ///
    /// # Errors
    /// See [`QueueError`]; one that cannot be read is [`QueueError::Garbled`].
    pub async fn session(&self, id: &TokenId) -> Result<Option<SessionRecord>, QueueError> {
        let mut fields: HashMap<_, _> =
            pairs(self.ask(command("HGETALL", self.keys.session(id))).await?)?.into_iter().collect();
        if fields.is_empty() {
            return Ok(None);
        }
        let mut take = |name: &str| {
            let stored = fields.remove(name).map(|value| text(Value::BulkString(value))).transpose()?;
            stored.ok_or_else(|| QueueError::Garbled(format!("the session {id} has no `{name}`")))
        };
        let (token, digest) = (take("token")?, take("sha256")?);
        Ok(Some(SessionRecord {
            token: token.parse().map_err(|_| QueueError::Garbled(format!("the `token` of session {id} is none")))?,
            digest: digest.parse().map_err(|_| QueueError::Garbled(format!("the `sha256` of session {id} is none")))?,
        }))
    }

    /// Ends a session. Whether there was one does not matter.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn end_session(&self, id: &TokenId) -> Result<(), QueueError> {
        self.ask(command("DEL", self.keys.session(id))).await.map(drop)
    }
}

fn command(name: &str, key: String) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}
