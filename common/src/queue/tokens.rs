//! API tokens as stored: `token:<id>` (a hash of plain fields) and `tokens` (every id that ever was). Plain commands,
//! no function: a token can be made before anything else of Dayfly has met the server.
//!
//! A revoked or expired token stays listed for 30 days. Its id stays in `tokens` for ever: that a token was made once is
//! what keeps an API from asking nobody for one again.

use super::{
    Queue, QueueError,
    reply::{Items, pairs, parsed, text},
};
use crate::model::{OwnerName, Scopes, Token, TokenDigest, TokenId};
use redis::{Cmd, Value};
use std::collections::HashMap;

/// A token that is of no use any more is listed for this long, ms.
const LISTED_AFTERWARDS_MS: i64 = 30 * 86_400_000;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose jobs its bearer submits and sees.
    pub owner: OwnerName,
    /// What its bearer may do.
    pub scopes: Scopes,
    /// For people; may be empty.
    pub name: String,
    /// How long it is good, ms; `None`: until it is revoked.
    pub expires_ms: Option<u64>,
}

/// A token as it is known.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    /// Its name, no secret.
    pub id: TokenId,
    /// Whose jobs its bearer submits and sees.
    pub owner: String,
    /// For people; may be empty.
    pub name: String,
    /// What its bearer may do.
    pub scopes: Scopes,
    /// SHA-256 of the token.
    pub digest: TokenDigest,
    /// Server time, ms.
    pub created_at: i64,
    /// Good until then, ms.
    pub expires_at: Option<i64>,
    /// Revoked then, ms.
    pub revoked_at: Option<i64>,
}

/// Whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is revoked now.
    Now,
    /// It had been before.
    Before,
    /// There is no such token, or it was forgotten.
    Unknown,
}

/// What is known of one id.
#[derive(Debug, Clone)]
pub struct TokenLookup {
    /// The token, good or not.
    pub record: Option<TokenRecord>,
    /// Whether any token was ever made.
    pub any: bool,
    /// Server time of the answer, ms.
    pub now: i64,
}

impl TokenRecord {
    /// Whether it is good at `now` (ms).
    #[must_use]
    pub fn state(&self, now: i64) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }

    fn read(id: TokenId, fields: Vec<(String, Vec<u8>)>) -> Result<Self, QueueError> {
        let mut fields: HashMap<String, Vec<u8>> = fields.into_iter().collect();
        let mut take = |name: &str| fields.remove(name).map(|value| text(Value::BulkString(value))).transpose();
        let time = |value: Option<String>| value.map(|at| parsed::<i64>(&at)).transpose();
        let needed = |name: &str, value: Option<String>| {
            value.ok_or_else(|| QueueError::Garbled(format!("the token {id} has no `{name}`")))
        };
        let owner = needed("owner", take("owner")?)?;
        let digest = needed("sha256", take("sha256")?)?;
        let scopes = needed("scopes", take("scopes")?)?;
        Ok(Self {
            digest: digest.parse().map_err(|_| QueueError::Garbled(format!("the `sha256` of token {id} is none")))?,
            scopes: scopes.parse().map_err(|error| QueueError::Garbled(format!("token {id}: {error}")))?,
            owner,
            name: take("name")?.unwrap_or_default(),
            created_at: time(take("created_at")?)?.unwrap_or(0),
            expires_at: time(take("expires_at")?)?,
            // Any value revokes: a hand may have set it.
            revoked_at: take("revoked_at")?.map(|at| at.parse().unwrap_or(0)),
            id,
        })
    }
}

impl Queue {
    /// Stores a token: its SHA-256, never itself.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn create_token(&self, token: &Token, new: &NewToken) -> Result<TokenRecord, QueueError> {
        let now = self.server_time().await?;
        let (id, digest) = (token.id().clone(), token.digest());
        let expires_at = new.expires_ms.map(|ms| now.saturating_add_unsigned(ms));
        // The mark comes first: cut short here, tokens are asked for and there is one less.
        let mut mark = command("ZADD", self.keys.tokens());
        mark.arg(now).arg(id.as_str());
        let mut store = command("HSET", self.keys.token(&id));
        store.arg("owner").arg(new.owner.as_str()).arg("scopes").arg(new.scopes.to_string());
        store.arg("sha256").arg(digest.to_string()).arg("created_at").arg(now);
        if !new.name.is_empty() {
            store.arg("name").arg(&new.name);
        }
        let mut commands = vec![mark, store];
        if let (Some(expires_at), Some(store)) = (expires_at, commands.last_mut()) {
            store.arg("expires_at").arg(expires_at);
            let mut forget = command("PEXPIREAT", self.keys.token(&id));
            forget.arg(expires_at.saturating_add(LISTED_AFTERWARDS_MS));
            commands.push(forget);
        }
        self.ask_replicated(commands).await?;
        let (owner, name) = (new.owner.to_string(), new.name.clone());
        Ok(TokenRecord { id, owner, name, scopes: new.scopes, digest, created_at: now, expires_at, revoked_at: None })
    }

    /// Every token that is remembered, oldest first, and the server's time, ms.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn list_tokens(&self) -> Result<(Vec<TokenRecord>, i64), QueueError> {
        let mut ids = command("ZRANGE", self.keys.tokens());
        ids.arg(0).arg(-1);
        let ids: Vec<TokenId> =
            Items::of(self.ask(ids).await?)?.rest().filter_map(|id| text(id).ok()?.parse().ok()).collect();
        let asks = ids.iter().map(|id| command("HGETALL", self.keys.token(id))).collect();
        let answers = self.ask_all(asks).await?;
        let mut tokens = Vec::with_capacity(ids.len());
        for (id, answer) in ids.into_iter().zip(answers) {
            let fields = pairs(answer)?;
            if fields.is_empty() {
                continue;
            }
            match TokenRecord::read(id.clone(), fields) {
                Ok(token) => tokens.push(token),
                Err(error) => tracing::warn!(token = %id, %error, "token {id} cannot be read: {error}"),
            }
        }
        Ok((tokens, self.server_time().await?))
    }

    /// What is known of one id, by one round trip.
    ///
    /// # Errors
    /// See [`QueueError`]; a token that cannot be read is [`QueueError::Garbled`].
    pub async fn look_up_token(&self, id: &TokenId) -> Result<TokenLookup, QueueError> {
        let asks =
            vec![command("HGETALL", self.keys.token(id)), command("EXISTS", self.keys.tokens()), redis::cmd("TIME")];
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let fields = pairs(next())?;
        let any = parsed::<i64>(&text(next())?)? != 0;
        let now = time_ms(next())?;
        let record = if fields.is_empty() { None } else { Some(TokenRecord::read(id.clone(), fields)?) };
        Ok(TokenLookup { any: any || record.is_some(), record, now })
    }

    /// Whether a token was ever made.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn any_token(&self) -> Result<bool, QueueError> {
        Ok(parsed::<i64>(&text(self.ask(command("EXISTS", self.keys.tokens())).await?)?)? != 0)
    }

    /// Makes a token of no use, for good.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again is safe.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<Revoked, QueueError> {
        let known = self.look_up_token(id).await?;
        let Some(record) = known.record else { return Ok(Revoked::Unknown) };
        if record.revoked_at.is_some() {
            return Ok(Revoked::Before);
        }
        let mut mark = command("HSET", self.keys.token(id));
        mark.arg("revoked_at").arg(known.now);
        let mut forget = command("PEXPIRE", self.keys.token(id));
        forget.arg(LISTED_AFTERWARDS_MS);
        match self.ask_replicated(vec![mark, forget]).await {
            Ok(_) => Ok(Revoked::Now),
            // A full server takes no new field, but lets one go: what is not there is of no use either.
            Err(QueueError::Refused(said)) if said.starts_with("OOM") => {
                self.ask_replicated(vec![command("DEL", self.keys.token(id))]).await?;
                Ok(Revoked::Now)
            }
            Err(error) => Err(error),
        }
    }

    async fn server_time(&self) -> Result<i64, QueueError> {
        time_ms(self.ask(redis::cmd("TIME")).await?)
    }
}

fn command(name: &str, key: String) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

/// The answer to `TIME`, ms.
fn time_ms(answer: Value) -> Result<i64, QueueError> {
    let mut items = Items::of(answer)?;
    Ok(items.parsed::<i64>()? * 1_000 + items.parsed::<i64>()? / 1_000)
}
