//! DELETE /v1/jobs/{id}: an ended job is forgotten.

use crate::{
    app::App,
    auth::Principal,
    error::{Code, Problem, unknown_job},
    extract::{JobPath, query},
};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
};
use dayfly_common::queue::Deleted;
use std::sync::Arc;

/// DELETE /v1/jobs/{id}: 204, also when it is repeated within a minute.
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: Principal,
    JobPath(id): JobPath,
    uri: Uri,
) -> Result<StatusCode, Problem> {
    query(&uri, &[])?;
    app.must_see(&who, id).await?;
    match app.queue.delete(id).await? {
        Deleted::Done => Ok(StatusCode::NO_CONTENT),
        Deleted::Live(state) => {
            let detail = format!("The job {id} is {state}: only a job that has ended can be deleted. Cancel it first.");
            Err(Problem::new(Code::WrongState, detail).about(id))
        }
        Deleted::Unknown => Err(unknown_job(id)),
    }
}
