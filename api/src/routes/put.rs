//! PUT /v1/jobs/{id}?task=NAME: a job under the client's own id, so that the request can be sent again.

use super::submit::{Target, accept};
use crate::{
    app::App,
    error::{Code, Problem},
    extract::{JobPath, OPTION_NAMES, WantsJson, query},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::Response,
};
use std::sync::Arc;

/// PUT /v1/jobs/{id}: 202 for a new job, 200 when there is one of this id and the same request.
pub(crate) async fn own_id(
    State(app): State<Arc<App>>,
    _: WantsJson,
    JobPath(id): JobPath,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let names = [&["task"], &OPTION_NAMES[..]].concat();
    let query = query(request.uri(), &names)?;
    let Some(task) = query.get("task") else {
        let detail = format!("The query must say which task runs the job: PUT /v1/jobs/{id}?task=NAME.");
        return Err(Problem::new(Code::BadOption, detail));
    };
    accept(&app, Target { task, id: Some(id), message: None, names: &names }, request).await
}
