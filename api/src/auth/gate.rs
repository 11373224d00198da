//! Which jobs exist for whom. Every route that names a job by its id goes through here, so that a job of another owner
//! and one that never was are answered alike.

use super::Principal;
use crate::{
    app::App,
    error::{Problem, unknown_job},
};
use dayfly_common::{model::JobId, queue::JobView};

/// The job, if it exists for `who`.
///
/// # Errors
/// 404.
pub(crate) fn visible(who: &Principal, id: JobId, view: Option<JobView>) -> Result<JobView, Problem> {
    view.filter(|view| who.sees(&view.record.owner)).ok_or_else(|| unknown_job(id))
}

impl App {
    /// That the job exists for `who`: to be asked before anything is done to it, or waited for. Whoever sees all jobs is
    /// let through without a look: the operation itself finds out whether there is one.
    ///
    /// # Errors
    /// 404, or Redis is away.
    pub(crate) async fn must_see(&self, who: &Principal, id: JobId) -> Result<(), Problem> {
        if who.sees_all() {
            return Ok(());
        }
        match self.queue.owner_of(id).await? {
            Some(owner) if who.sees(&owner) => Ok(()),
            Some(_) | None => Err(unknown_job(id)),
        }
    }
}
