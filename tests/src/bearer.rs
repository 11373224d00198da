//! Tokens of a test's own.

use crate::Api;
use dayfly_common::{
    model::Token,
    queue::{NewToken, Queue},
};
use reqwest::{Method, RequestBuilder};

/// Makes a token that does not expire.
///
/// # Panics
/// When owner or scopes are none, or Redis refuses.
pub async fn make_token(queue: &Queue, owner: &str, scopes: &str) -> Token {
    let new = NewToken {
        owner: owner.parse().expect("an owner"),
        scopes: scopes.parse().expect("scopes"),
        name: String::new(),
        expires_ms: None,
    };
    let token = Token::random();
    queue.create_token(&token, &new).await.expect("a token");
    token
}

impl Api {
    /// As [`make_token`], on this API's Redis.
    pub async fn token(&self, owner: &str, scopes: &str) -> Token {
        make_token(&self.queue, owner, scopes).await
    }

    /// A request with a token, to be filled and sent.
    pub fn ask_as(&self, token: &Token, method: Method, path: &str) -> RequestBuilder {
        self.ask(method, path).bearer_auth(token.reveal())
    }
}
