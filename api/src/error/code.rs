//! The words that programs tell problems apart by, each with its HTTP status and title.

use axum::http::StatusCode;

/// What programs tell problems apart by. The words are fixed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Code {
    MalformedJson,
    MalformedForm,
    BadCursor,
    BadDuration,
    BadId,
    BadOption,
    Unauthorized,
    Forbidden,
    UnknownTask,
    UnknownJob,
    JobDeleted,
    UnknownWorker,
    NotFound,
    ResultExpired,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    WrongState,
    CountMismatch,
    NotUnique,
    TooLarge,
    UrlTooLong,
    HeadTooLarge,
    InvalidInput,
    OptionOutOfRange,
    OptionConflict,
    IdempotencyConflict,
    RateLimited,
    QueueFull,
    TooManyStreams,
    RedisUnavailable,
    Overloaded,
    Draining,
    OutcomeUnknown,
    Internal,
}

impl Code {
    /// All of them. A code that is missing here does not compile: its place is its number.
    pub(crate) const ALL: [Self; Self::Internal as usize + 1] = [
        Self::MalformedJson,
        Self::MalformedForm,
        Self::BadCursor,
        Self::BadDuration,
        Self::BadId,
        Self::BadOption,
        Self::Unauthorized,
        Self::Forbidden,
        Self::UnknownTask,
        Self::UnknownJob,
        Self::JobDeleted,
        Self::UnknownWorker,
        Self::NotFound,
        Self::ResultExpired,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::UnsupportedMediaType,
        Self::WrongState,
        Self::CountMismatch,
        Self::NotUnique,
        Self::TooLarge,
        Self::UrlTooLong,
        Self::HeadTooLarge,
        Self::InvalidInput,
        Self::OptionOutOfRange,
        Self::OptionConflict,
        Self::IdempotencyConflict,
        Self::RateLimited,
        Self::QueueFull,
        Self::TooManyStreams,
        Self::RedisUnavailable,
        Self::Overloaded,
        Self::Draining,
        Self::OutcomeUnknown,
        Self::Internal,
    ];

    /// The word in answers, its HTTP status and its title.
    pub(crate) const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::MalformedJson => ("malformed_json", StatusCode::BAD_REQUEST, "The JSON cannot be read"),
            Self::MalformedForm => ("malformed_form", StatusCode::BAD_REQUEST, "The form cannot be read"),
            Self::BadCursor => ("bad_cursor", StatusCode::BAD_REQUEST, "The cursor cannot be read"),
            Self::BadDuration => ("bad_duration", StatusCode::BAD_REQUEST, "The duration cannot be read"),
            Self::BadId => ("bad_id", StatusCode::BAD_REQUEST, "The id cannot be read"),
            Self::BadOption => ("bad_option", StatusCode::BAD_REQUEST, "The option is not known or cannot be read"),
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "A token is needed"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "The request is refused"),
            Self::UnknownTask => ("unknown_task", StatusCode::NOT_FOUND, "There is no such task"),
            Self::UnknownJob => ("unknown_job", StatusCode::NOT_FOUND, "There is no such job"),
            Self::JobDeleted => ("job_deleted", StatusCode::GONE, "The job was deleted"),
            Self::UnknownWorker => ("unknown_worker", StatusCode::NOT_FOUND, "There is no such worker"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "There is nothing here"),
            Self::ResultExpired => ("result_expired", StatusCode::GONE, "The result is no longer kept"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed here")
            }
            Self::NotAcceptable => {
                ("not_acceptable", StatusCode::NOT_ACCEPTABLE, "The asked media type is not available")
            }
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body's media type is not accepted")
            }
            Self::WrongState => ("wrong_state", StatusCode::CONFLICT, "The job's state does not allow it"),
            Self::CountMismatch => ("count_mismatch", StatusCode::CONFLICT, "Another number of jobs matches"),
            Self::NotUnique => ("not_unique", StatusCode::CONFLICT, "A live job holds the unique key"),
            Self::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Self::UrlTooLong => ("too_large", StatusCode::URI_TOO_LONG, "The URL is too long"),
            Self::HeadTooLarge => {
                ("too_large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large")
            }
            Self::InvalidInput => ("invalid_input", StatusCode::UNPROCESSABLE_ENTITY, "The input is not valid"),
            Self::OptionOutOfRange => {
                ("option_out_of_range", StatusCode::UNPROCESSABLE_ENTITY, "The option is out of range")
            }
            Self::OptionConflict => {
                ("option_conflict", StatusCode::UNPROCESSABLE_ENTITY, "The options contradict each other")
            }
            Self::IdempotencyConflict => {
                ("idempotency_conflict", StatusCode::UNPROCESSABLE_ENTITY, "The key was used for another request")
            }
            Self::RateLimited => ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too many submissions"),
            Self::QueueFull => ("queue_full", StatusCode::TOO_MANY_REQUESTS, "The queue is full"),
            Self::TooManyStreams => {
                ("too_many_streams", StatusCode::SERVICE_UNAVAILABLE, "This server has too many streams open")
            }
            Self::RedisUnavailable => {
                ("redis_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The queue cannot be reached")
            }
            Self::Overloaded => ("rate_limited", StatusCode::SERVICE_UNAVAILABLE, "This server has too much to do"),
            Self::Draining => ("draining", StatusCode::SERVICE_UNAVAILABLE, "This server is shutting down"),
            Self::OutcomeUnknown => {
                ("outcome_unknown", StatusCode::SERVICE_UNAVAILABLE, "It is not known whether the job was taken")
            }
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here"),
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        self.facts().0
    }

    pub(crate) const fn status(self) -> StatusCode {
        self.facts().1
    }
}
