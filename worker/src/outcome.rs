//! From how a process tree ended to what the record says.

use crate::process::{Ended, Exit, LimitHit};
use dayfly_common::model::{
    EXIT_PLEASE_RETRY, ErrorKind, JobError, KilledBy, Outcome, OutputKind, TaskDef, format_size, worth_another,
};
use serde::de::IgnoredAny;
use std::time::Duration;

/// The outcome of an attempt that ran.
pub(crate) fn of_run(task: &TaskDef, timeout: Duration, ended: &mut Ended) -> Outcome {
    let mut outcome = as_it_ended(task, timeout, ended);
    if let Outcome::Failed(error) = &mut outcome {
        error.retryable = worth_another(error, task.retry_on.as_deref());
    }
    outcome
}

fn as_it_ended(task: &TaskDef, timeout: Duration, ended: &mut Ended) -> Outcome {
    if ended.unkillable {
        let remains = if ended.remains.is_empty() { String::new() } else { format!(": {}", ended.remains) };
        let message = format!("SIGKILL does not end all of its processes{remains}");
        return failed(ended, ErrorKind::Unkillable, message, false);
    }
    match ended.killed_by {
        Some(KilledBy::Cancel) => Outcome::Cancelled,
        Some(KilledBy::Drain | KilledBy::Lease) => Outcome::Drained,
        Some(KilledBy::Deadline) => {
            let message = format!("exceeded its {} deadline", seconds(timeout));
            failed(ended, ErrorKind::Timeout, message, true)
        }
        Some(KilledBy::Limit) => {
            let (kind, message) = over_limit(task, ended.limit);
            failed(ended, kind, message, true)
        }
        None => of_exit(task, ended),
    }
}

/// Names the limit as the configuration does.
fn over_limit(task: &TaskDef, limit: Option<LimitHit>) -> (ErrorKind, String) {
    let limits = &task.limits;
    match limit {
        Some(LimitHit::Memory) => {
            let most = limits.memory.unwrap_or_default();
            (ErrorKind::Oom, format!("its processes took more than memory = {}", format_size(most)))
        }
        Some(LimitHit::CpuTime) => {
            let most = Duration::from_millis(limits.cpu_time_ms.unwrap_or_default());
            (ErrorKind::Timeout, format!("its processes used more than cpu_time = {}", seconds(most)))
        }
        Some(LimitHit::Processes) => {
            (ErrorKind::Signal, format!("had more processes than nproc = {}", limits.nproc.unwrap_or_default()))
        }
        Some(LimitHit::FileSize) => {
            let most = limits.fsize.unwrap_or_default();
            (ErrorKind::Signal, format!("wrote a file larger than fsize = {}", format_size(most)))
        }
        None => (ErrorKind::Signal, "went over a limit of its task".to_owned()),
    }
}

fn of_exit(task: &TaskDef, ended: &mut Ended) -> Outcome {
    match ended.exit {
        Exit::Code(0) => of_output(task, ended),
        Exit::Code(EXIT_PLEASE_RETRY) => {
            failed(ended, ErrorKind::ExitCode, "exited with code 75: it asks for another attempt".to_owned(), true)
        }
        Exit::Code(code) => match ended.exception.take() {
            Some(raised) => failed(ended, ErrorKind::Exception, raised.text, raised.retry),
            None => failed(ended, ErrorKind::ExitCode, format!("exited with code {code}"), true),
        },
        Exit::Signal(number) => {
            let message = format!("ended by {}", signal_name(number));
            failed(ended, ErrorKind::Signal, message, true)
        }
        Exit::Unknown => Outcome::Lost,
    }
}

/// Exit 0: what was printed becomes the result, byte by byte.
fn of_output(task: &TaskDef, ended: &mut Ended) -> Outcome {
    let mut printed = std::mem::take(&mut ended.stdout);
    if let Err(error) = std::str::from_utf8(&printed)
        && ended.stdout_truncated
        && error.error_len().is_none()
    {
        // The cut went through a character: text stays text.
        printed.truncate(error.valid_up_to());
    }
    let truncated = ended.stdout_truncated;
    let json = || serde_json::from_slice::<IgnoredAny>(&printed).is_ok();
    let text = || std::str::from_utf8(&printed).is_ok();
    let content_type = match task.output {
        OutputKind::Bytes => "application/octet-stream",
        OutputKind::Auto if !truncated && json() => "application/json",
        OutputKind::Auto if text() => "text/plain; charset=utf-8",
        OutputKind::Auto => "application/octet-stream",
        OutputKind::Json if truncated => {
            let message = format!("printed more than max_result ({} bytes), so its JSON is cut off", task.max_result);
            return failed(ended, ErrorKind::BadOutput, message, false);
        }
        OutputKind::Json if json() => "application/json",
        OutputKind::Json => {
            let message = "exited with code 0, but what it printed is not JSON".to_owned();
            return failed(ended, ErrorKind::BadOutput, message, false);
        }
        OutputKind::Text if text() => "text/plain; charset=utf-8",
        OutputKind::Text => {
            let message = "exited with code 0, but what it printed is not UTF-8".to_owned();
            return failed(ended, ErrorKind::BadOutput, message, false);
        }
    };
    Outcome::Succeeded { result: printed, content_type, truncated }
}

/// A job whose program could not be started.
pub(crate) fn not_started(message: String) -> Outcome {
    Outcome::Failed(JobError {
        kind: ErrorKind::SpawnFailed,
        message,
        exit_code: None,
        signal: None,
        retryable: false,
        stderr_tail: String::new(),
    })
}

fn failed(ended: &mut Ended, kind: ErrorKind, message: String, retryable: bool) -> Outcome {
    let (exit_code, signal) = match ended.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(number) => (None, Some(signal_name(number))),
        Exit::Unknown => (None, None),
    };
    let stderr_tail = std::mem::take(&mut ended.stderr_tail);
    Outcome::Failed(JobError { kind, message, exit_code, signal, retryable, stderr_tail })
}

fn signal_name(number: i32) -> String {
    nix::sys::signal::Signal::try_from(number)
        .map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
}

/// `60 s`, `1.5 s`.
fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Raised;
    use dayfly_common::model::Usage;

    fn ended(exit: Exit, stdout: &[u8]) -> Ended {
        Ended {
            exit,
            killed_by: None,
            limit: None,
            kill_ms: None,
            usage: Usage::default(),
            stdout: stdout.to_vec(),
            stdout_truncated: false,
            stderr_tail: "why".to_owned(),
            exception: None,
            unkillable: false,
            remains: String::new(),
        }
    }

    fn task(output: OutputKind) -> TaskDef {
        TaskDef { output, ..TaskDef::command("t".parse().expect("a name"), &["true"]) }
    }

    #[test]
    fn output_becomes_json_then_text_then_bytes() {
        let kind = |output, printed: &[u8]| match of_exit(&task(output), &mut ended(Exit::Code(0), printed)) {
            Outcome::Succeeded { content_type, result, .. } => {
                assert_eq!(result, printed);
                content_type
            }
            Outcome::Failed(error) => {
                assert_eq!(error.kind, ErrorKind::BadOutput);
                "bad"
            }
            Outcome::Cancelled | Outcome::Drained | Outcome::Lost => unreachable!("exit 0"),
        };
        assert_eq!(kind(OutputKind::Auto, b"{\"n\":1}\n"), "application/json");
        assert_eq!(kind(OutputKind::Auto, b"{\"n\":"), "text/plain; charset=utf-8");
        assert_eq!(kind(OutputKind::Auto, b"\xff\xfe"), "application/octet-stream");
        assert_eq!(kind(OutputKind::Json, b"nope"), "bad");
        assert_eq!(kind(OutputKind::Text, b"\xff"), "bad");
        assert_eq!(kind(OutputKind::Bytes, b"1"), "application/octet-stream");
    }

    #[test]
    fn what_a_program_calls_final_stays_so_whatever_its_task_retries() {
        let retryable = |retry, named: Option<&str>| {
            let mut end = ended(Exit::Code(3), b"");
            end.exception = Some(Raised { text: "Fail: no".to_owned(), retry });
            let retry_on = named.map(|word| vec![word.parse().expect("a kind")]);
            let task = TaskDef { retry_on, ..task(OutputKind::Auto) };
            match of_run(&task, Duration::from_secs(2), &mut end) {
                Outcome::Failed(error) => {
                    assert_eq!((error.kind, error.exit_code), (ErrorKind::Exception, Some(3)));
                    error.retryable
                }
                Outcome::Succeeded { .. } | Outcome::Cancelled | Outcome::Drained | Outcome::Lost => unreachable!(),
            }
        };
        assert_eq!([None, Some("exception"), Some("timeout")].map(|named| retryable(true, named)), [true, true, false]);
        assert_eq!([None, Some("exception"), Some("exit_code:3")].map(|named| retryable(false, named)), [false; 3]);
    }

    #[test]
    fn whoever_ended_it_names_the_outcome() {
        let by = |cause, exit| {
            let mut end = ended(exit, b"");
            end.killed_by = Some(cause);
            of_run(&task(OutputKind::Auto), Duration::from_secs(2), &mut end)
        };
        assert_eq!(by(KilledBy::Cancel, Exit::Signal(15)), Outcome::Cancelled);
        assert_eq!(by(KilledBy::Drain, Exit::Signal(9)), Outcome::Drained);
        let Outcome::Failed(error) = by(KilledBy::Deadline, Exit::Signal(9)) else { unreachable!("it failed") };
        assert_eq!((error.kind, error.signal.as_deref()), (ErrorKind::Timeout, Some("SIGKILL")));
        assert_eq!(error.message, "exceeded its 2 s deadline");
        // A program that answers TERM with exit 0 has still been ended by its deadline.
        let Outcome::Failed(error) = by(KilledBy::Deadline, Exit::Code(0)) else { unreachable!("it failed") };
        assert_eq!(error.kind, ErrorKind::Timeout);
    }

    #[test]
    fn the_limit_that_ended_it_is_named() {
        let mut task = task(OutputKind::Auto);
        task.limits.memory = Some(256 << 20);
        task.limits.cpu_time_ms = Some(1_500);
        task.limits.nproc = Some(20);
        task.limits.fsize = Some(1_000);
        let told = |limit| {
            let mut end = ended(Exit::Signal(9), b"");
            (end.killed_by, end.limit) = (Some(KilledBy::Limit), Some(limit));
            match of_run(&task, Duration::from_secs(2), &mut end) {
                Outcome::Failed(error) => (error.kind, error.message),
                Outcome::Succeeded { .. } | Outcome::Cancelled | Outcome::Drained | Outcome::Lost => {
                    unreachable!("it failed")
                }
            }
        };
        let expected = |kind, text: &str| (kind, text.to_owned());
        assert_eq!(told(LimitHit::Memory), expected(ErrorKind::Oom, "its processes took more than memory = 256 MiB"));
        assert_eq!(
            told(LimitHit::CpuTime),
            expected(ErrorKind::Timeout, "its processes used more than cpu_time = 1.5 s")
        );
        assert_eq!(told(LimitHit::Processes), expected(ErrorKind::Signal, "had more processes than nproc = 20"));
        assert_eq!(
            told(LimitHit::FileSize),
            expected(ErrorKind::Signal, "wrote a file larger than fsize = 1000 bytes")
        );
    }
}
