//! `/v1/workers`

use crate::{
    openapi::{Answer, Group, Operation, Scope, examples},
    routes::workers,
};

pub(super) fn all() -> Vec<Operation> {
    vec![list()]
}

fn list() -> Operation {
    Operation::get("/v1/workers", "list_workers", workers::list)
        .of(Group::Workers, Scope::Read)
        .says("List the workers", "Those that were heard of in the last seconds, with the jobs they hold.")
        .answers(Answer::json(200, "The workers, by id.", "WorkerList", examples::workers()))
        .refuses_as_usual()
}
