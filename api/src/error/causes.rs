//! What went wrong inside, as a problem for the client.

use super::{Code, Problem};
use dayfly_common::{
    model::IdError,
    queue::{ListError, QueueError},
};
use std::fmt;

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        let away = |detail: &str| Self::new(Code::RedisUnavailable, detail).retry_after(1).caused_by(&error);
        match &error {
            QueueError::Unreachable(_) => away("Redis cannot be reached at the moment. Please try again."),
            QueueError::NotReplicated { .. } => {
                away("Redis has it, but too few of its replicas confirmed that in time. Please try again.")
            }
            QueueError::NotDurable(_) => away("This Redis does not keep what it is given. Its operator has to look."),
            QueueError::Slow(_) => away("Redis did not answer in time. Please try again."),
            QueueError::Refused(said) => away(refusal(said)),
            QueueError::NoLibrary(_) => away(
                "Redis does not hold the function library dayfly_v1 and this server may not load it. Start `dayfly api` \
                 once with sufficient rights; its log says which.",
            ),
            QueueError::Garbled(_) => Self::new(
                Code::Internal,
                "An answer of Redis could not be understood: another revision of Dayfly may have written it. The log \
                 has the cause, under this request_id.",
            )
            .caused_by(&error),
        }
    }
}

/// What a server that refuses to write means, for people.
fn refusal(said: &str) -> &'static str {
    let has = |word: &str| said.contains(word);
    if has("OOM") {
        "Redis is out of memory and takes no more jobs. Jobs that end make room; please try again later."
    } else if has("LOADING") {
        "Redis is still loading its data. Please try again in a moment."
    } else if has("READONLY") {
        "Redis is read-only: a failover may be under way. Please try again."
    } else if ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN"].iter().any(|code| said.starts_with(code)) {
        "The Redis cluster is moving the queue to another node, or electing one. Please try again."
    } else if has("NOREPLICAS") {
        "Redis has fewer replicas in step than it needs to take writes. Please try again."
    } else if has("MISCONF") {
        "Redis cannot save its data to disk and refuses to write. Its operator has to look."
    } else if has("NOPERM") || has("NOAUTH") || has("WRONGPASS") {
        "Redis does not let this server in, or lacks a right for it. Its operator has to look at the ACL."
    } else {
        "Redis refused the operation. Please try again; this server's log has the cause, under this request_id."
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::BadCursor | ListError::ForeignCursor => Self::new(Code::BadCursor, error.to_string()),
            ListError::Queue(error) => error.into(),
        }
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::new(Code::BadId, error.to_string())
    }
}

/// What all routes of a job say when there is none.
pub(crate) fn unknown_job(id: impl fmt::Display) -> Problem {
    Problem::new(
        Code::UnknownJob,
        format!("There is no job {id}: it never was, or its retention is over. GET /v1/jobs lists the jobs there are."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;
    use std::time::Duration;

    #[test]
    fn a_cause_stays_inside() {
        let problem = Problem::from(QueueError::Unreachable("10.0.0.7:6379 refused".to_owned()));
        assert_eq!(problem.code(), Code::RedisUnavailable);
        assert_eq!(problem.cause(), Some("Redis cannot be reached: 10.0.0.7:6379 refused"));
        assert!(!problem.detail().contains("10.0.0.7"));
        let answer = problem.render("r1");
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn what_a_server_refuses_is_explained() {
        for (said, word) in [
            ("OOM command not allowed", "memory"),
            ("LOADING dataset", "loading"),
            ("READONLY You can't", "read-only"),
            ("MISCONF Redis is configured", "disk"),
            ("CLUSTERDOWN The cluster is down", "cluster"),
            ("NOREPLICAS Not enough good replicas to write.", "replicas"),
            ("NOPERM this user", "right"),
            ("ERR whatever", "refused"),
        ] {
            let problem = Problem::from(QueueError::Refused(said.to_owned()));
            assert!(problem.detail().contains(word), "{said}: {}", problem.detail());
        }
        let slow = Problem::from(QueueError::Slow(Duration::from_secs(1)));
        assert_eq!(slow.code(), Code::RedisUnavailable);
        assert_eq!(Problem::from(QueueError::Garbled("x".to_owned())).code(), Code::Internal);
    }
}
