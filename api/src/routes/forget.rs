//! DELETE /v1/tasks/{task}: a task that nobody serves is taken out of the registry.

use crate::{
    app::App,
    error::{Code, Problem},
    extract::{TaskPath, query},
};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
};
use dayfly_common::{model::TaskName, queue::Forgotten};
use std::sync::Arc;

/// DELETE /v1/tasks/{task}: 204. Its ended jobs stay until their retention is over.
pub(crate) async fn forget(
    State(app): State<Arc<App>>,
    TaskPath(name): TaskPath,
    uri: Uri,
) -> Result<StatusCode, Problem> {
    query(&uri, &[])?;
    let wrong = |why: String| Err(Problem::new(Code::WrongState, why));
    let Ok(task) = name.parse::<TaskName>() else { return Err(app.catalogue.unknown(&name).await) };
    if app.catalogue.is_own(&name) {
        return wrong(format!("The task `{name}` is defined in this server's own configuration: take it out there."));
    }
    match app.queue.forget_task(&task).await? {
        Forgotten::Done => {
            app.catalogue.read_anew().await;
            Ok(StatusCode::NO_CONTENT)
        }
        Forgotten::Served(workers) => wrong(format!(
            "The task `{name}` is served by live workers ({workers}), which would bring it back: drain them first."
        )),
        Forgotten::Holds(jobs) => wrong(format!(
            "The task `{name}` holds jobs that have not ended ({jobs}): cancel them first, or let them end. GET \
             /v1/jobs?task={name} lists them."
        )),
        Forgotten::Unknown => Err(app.catalogue.unknown(&name).await),
    }
}
