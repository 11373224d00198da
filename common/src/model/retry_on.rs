//! Which failures are worth another attempt: `retry_on`.

use super::{ErrorKind, JobError, hint};
use std::str::FromStr;

/// `EX_TEMPFAIL` of sysexits(3): the program asks for another attempt.
pub const EXIT_PLEASE_RETRY: i32 = 75;

/// The kinds that can be named: a job that never started, or whose worker died, has not failed by itself.
const KINDS: [(&str, ErrorKind); 6] = [
    ("exit_code", ErrorKind::ExitCode),
    ("signal", ErrorKind::Signal),
    ("timeout", ErrorKind::Timeout),
    ("oom", ErrorKind::Oom),
    ("bad_output", ErrorKind::BadOutput),
    ("exception", ErrorKind::Exception),
];

/// One kind of failure that is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOn {
    /// Every one of the kind.
    Kind(ErrorKind),
    /// Only an end with this code: `exit_code:3`.
    ExitCode(i32),
}

/// The word names no failure.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no failure that can be retried: use exit_code, exit_code:N, signal, timeout, oom, bad_output or exception{1}"
)]
pub struct RetryOnError(String, String);

impl FromStr for RetryOn {
    type Err = RetryOnError;

    fn from_str(text: &str) -> Result<Self, RetryOnError> {
        if let Some((_, kind)) = KINDS.iter().find(|(word, _)| *word == text) {
            return Ok(Self::Kind(*kind));
        }
        let code = text.strip_prefix("exit_code:").and_then(|code| code.parse().ok());
        code.filter(|code| (1..=255).contains(code))
            .map(Self::ExitCode)
            .ok_or_else(|| RetryOnError(text.chars().take(80).collect(), hint(text, KINDS.map(|(word, _)| word))))
    }
}

impl RetryOn {
    fn names(self, error: &JobError) -> bool {
        match self {
            Self::Kind(kind) => error.kind == kind,
            Self::ExitCode(code) => error.kind == ErrorKind::ExitCode && error.exit_code == Some(code),
        }
    }
}

/// Whether a failure that is worth another attempt by itself stays so, where a task names the ones that are.
///
/// What the program says counts more: exit 75 asks for another attempt whatever is named. `bad_output` is worth one only where
/// it is named.
#[must_use]
pub fn worth_another(error: &JobError, named: Option<&[RetryOn]>) -> bool {
    let Some(named) = named else { return error.retryable };
    let asked = error.kind == ErrorKind::ExitCode && error.exit_code == Some(EXIT_PLEASE_RETRY);
    let possible = error.retryable || error.kind == ErrorKind::BadOutput;
    asked || possible && named.iter().any(|one| one.names(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind, exit_code: Option<i32>) -> JobError {
        let retryable = !matches!(kind, ErrorKind::BadOutput | ErrorKind::SpawnFailed);
        JobError { kind, message: String::new(), exit_code, signal: None, retryable, stderr_tail: String::new() }
    }

    fn named(words: &[&str]) -> Vec<RetryOn> {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn only_what_is_named_is_worth_another() {
        let three = named(&["exit_code:3", "timeout", "bad_output"]);
        let worth = |kind, code| worth_another(&failure(kind, code), Some(&three));
        assert!(worth(ErrorKind::ExitCode, Some(3)) && worth(ErrorKind::Timeout, None));
        assert!(worth(ErrorKind::BadOutput, Some(0)) && worth(ErrorKind::ExitCode, Some(75)));
        assert!(!worth(ErrorKind::ExitCode, Some(1)) && !worth(ErrorKind::Signal, None));
        assert!(!worth(ErrorKind::Exception, Some(3)), "an exception's code says nothing");
        assert!(worth_another(&failure(ErrorKind::ExitCode, Some(9)), Some(&named(&["exit_code"]))));
        assert!(!worth_another(&failure(ErrorKind::SpawnFailed, None), Some(&three)));
    }

    #[test]
    fn without_names_it_is_as_the_failure_says() {
        assert!(worth_another(&failure(ErrorKind::Oom, None), None));
        assert!(!worth_another(&failure(ErrorKind::BadOutput, Some(0)), None));
        assert!(!worth_another(&failure(ErrorKind::ExitCode, Some(1)), Some(&[])), "an empty list retries nothing");
    }

    #[test]
    fn other_words_are_told() {
        for word in ["", "lost", "exit_code:", "exit_code:0", "exit_code:256", "exit_code:x", "Timeout"] {
            assert!(word.parse::<RetryOn>().is_err(), "{word}");
        }
        assert!("timeot".parse::<RetryOn>().unwrap_err().to_string().contains("did you mean `timeout`?"));
    }
}
