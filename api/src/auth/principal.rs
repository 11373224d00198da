//! Who asks.

use crate::error::{Code, Problem};
use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use dayfly_common::{
    model::{Scope, Scopes},
    queue::TokenRecord,
};
use std::sync::Arc;

/// Who asks: put into every request by `front.rs`, taken by the handlers that care.
#[derive(Debug, Clone)]
pub(crate) struct Principal(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    owner: String,
    scopes: Scopes,
    /// A token, or a session that stands for one, says so.
    known: bool,
}

impl Principal {
    /// Everybody, where no token is asked for: may do all, and owns what has no owner.
    pub(super) fn anyone() -> Self {
        Self(Arc::new(Facts { owner: String::new(), scopes: Scopes::all(), known: false }))
    }

    pub(super) fn of_token(token: &TokenRecord) -> Self {
        Self(Arc::new(Facts { owner: token.owner.clone(), scopes: token.scopes, known: true }))
    }

    /// The one that `front.rs` found.
    ///
    /// # Errors
    /// There is none: the request came by another way, and may do nothing.
    pub(crate) fn of(extensions: &Extensions) -> Result<Self, Problem> {
        extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::new(Code::Internal, "It was not checked who asks.").caused_by("a request without a principal")
        })
    }

    /// Whose jobs it submits; also the scope of its idempotency keys.
    pub(crate) fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Whether a job of `owner` exists for it.
    pub(crate) fn sees(&self, owner: &str) -> bool {
        self.sees_all() || self.0.owner == owner
    }

    /// What it may do.
    pub(crate) fn scopes(&self) -> Scopes {
        self.0.scopes
    }

    /// Whether it may do this.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.0.scopes.has(scope)
    }

    /// Whether it showed a token; else nobody is asked for one.
    pub(crate) fn is_known(&self) -> bool {
        self.0.known
    }

    /// Whether every job exists for it.
    pub(crate) fn sees_all(&self) -> bool {
        self.0.scopes.has(Scope::Admin)
    }

    /// The owner that its lists are limited to.
    pub(crate) fn only(&self) -> Option<String> {
        (!self.sees_all()).then(|| self.0.owner.clone())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.extensions)
    }
}
