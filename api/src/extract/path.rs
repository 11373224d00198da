//! Ids and names out of the path.

use super::urlencoded;
use crate::error::{Code, Problem};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use dayfly_common::model::JobId;

/// The `{id}` of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobPath(pub(crate) JobId);

/// The `{task}` of a path, as it was written; whether there is such a task is for the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct TaskPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(only_param(parts, state).await?.parse()?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        only_param(parts, state).await.map(Self)
    }
}

/// All our paths have at most one variable part.
async fn only_param<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    let broken = |why: String| Problem::new(Code::NotFound, format!("The path cannot be read: {why}."));
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|why| broken(why.to_string()))?;
    let raw = params.iter().next().map(|(_, value)| value).unwrap_or_default();
    // In a path a plus sign is a plus sign.
    let raw = raw.replace('+', "%2B");
    urlencoded::decode(raw.as_bytes()).map_err(|why| broken(why.to_string()))
}
