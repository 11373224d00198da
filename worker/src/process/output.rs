//! Reading what a job prints: standard output kept up to its cap, standard error and events as lines, nothing ever left
//! unread, so that a job never waits for its worker, and nothing ever waited for once its tree is gone.

use super::{
    Note, Raised,
    clock::wall_ms,
    lines::Lines,
    progress::{self, Told},
    sys,
    tail::Tail,
};
use dayfly_common::queue::Progress;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    unistd::{pipe2, read},
};
use std::{cell::RefCell, future::pending, io, os::fd::OwnedFd};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{mpsc, watch},
};

/// Bytes read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// Most bytes read from one pipe after the tree is gone: more than a pipe can hold. Only a process outside the tree,
/// to which the job has handed its descriptor, could go on writing.
const LAST_READS: usize = 32;

/// The daemon's ends of a job's pipes.
#[derive(Debug)]
pub(super) struct Output {
    stdout: Option<AsyncFd<OwnedFd>>,
    stderr: Option<AsyncFd<OwnedFd>>,
    events: Option<AsyncFd<OwnedFd>>,
    kept: Kept,
}

/// What was read of them.
#[derive(Debug)]
struct Kept {
    result: Vec<u8>,
    truncated: bool,
    max_result: usize,
    tail: Tail,
    stderr_lines: Lines,
    event_lines: Lines,
    progress: watch::Sender<Option<Progress>>,
    exception: Option<Raised>,
    log: Log,
}

/// Lines on their way to whoever stores them.
#[derive(Debug)]
struct Log {
    notes: mpsc::Sender<Note>,
    /// Bytes that may still be sent.
    room: u64,
    max: u64,
    full: bool,
    dropped: u64,
}

/// What was printed, at the end.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) stdout: Vec<u8>,
    pub(super) truncated: bool,
    pub(super) stderr_tail: String,
    pub(super) exception: Option<Raised>,
}

/// Where what is read comes out.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) notes: mpsc::Receiver<Note>,
    pub(super) progress: watch::Receiver<Option<Progress>>,
}

/// The job's ends: standard output, standard error, events.
pub(super) type JobEnds = [OwnedFd; 3];

impl Output {
    /// Three new pipes, and what is read of them. So many lines may wait for their reader.
    ///
    /// # Errors
    /// Too many open files.
    pub(super) fn open(max_result: u64, max_log: u64, lines: usize) -> io::Result<(Self, JobEnds, Said)> {
        let (notes, notes_said) = mpsc::channel(lines);
        let (progress, progress_said) = watch::channel(None);
        let (stdout, their_stdout) = pipe()?;
        let (stderr, their_stderr) = pipe()?;
        let (events, their_events) = pipe()?;
        let kept = Kept {
            result: Vec::new(),
            truncated: false,
            max_result: usize::try_from(max_result).unwrap_or(usize::MAX),
            tail: Tail::default(),
            stderr_lines: Lines::default(),
            event_lines: Lines::default(),
            progress,
            exception: None,
            log: Log { notes, room: max_log, max: max_log, full: false, dropped: 0 },
        };
        let said = Said { notes: notes_said, progress: progress_said };
        Ok((Self { stdout, stderr, events, kept }, [their_stdout, their_stderr, their_events], said))
    }

    /// Waits until one of the pipes has something, and reads it. Never ends once all are closed. May be dropped while
    /// it waits without losing a byte.
    pub(super) async fn pump(&mut self) {
        let stream = tokio::select! {
            () = readable(self.stdout.as_ref()) => Stream::Stdout,
            () = readable(self.stderr.as_ref()) => Stream::Stderr,
            () = readable(self.events.as_ref()) => Stream::Events,
        };
        let pipe = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
            Stream::Events => &mut self.events,
        };
        let Some(fd) = pipe.as_ref() else { return };
        let open =
            with_chunk(|chunk| match fd.try_io(Interest::READABLE, |fd| read(fd, chunk).map_err(io::Error::from)) {
                Ok(0) => false,
                Ok(length) => {
                    self.kept.take(stream, chunk.get(..length).unwrap_or_default());
                    true
                }
                Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            });
        if !open {
            *pipe = None;
        }
    }

    /// Tells which process is the leader.
    pub(super) fn say_leads(&mut self, pid: i32) {
        self.kept.log.send(Note::Leads(pid));
    }

    /// Tells that the job does not die.
    pub(super) fn say_stuck(&mut self, remains: String) {
        self.kept.log.send(Note::Stuck(wall_ms(), remains));
    }

    /// Reads what is there without waiting, closes the pipes and gives the whole. For when the tree is gone.
    pub(super) fn finish(mut self) -> Printed {
        let pipes = [(Stream::Stdout, self.stdout), (Stream::Stderr, self.stderr), (Stream::Events, self.events)];
        with_chunk(|chunk| {
            for (stream, pipe) in pipes {
                let Some(fd) = pipe else { continue };
                for _ in 0..LAST_READS {
                    match read(fd.get_ref(), chunk) {
                        Ok(0) | Err(Errno::EAGAIN) => break,
                        Ok(length) => self.kept.take(stream, chunk.get(..length).unwrap_or_default()),
                        Err(Errno::EINTR) => {}
                        Err(_) => break,
                    }
                }
            }
        });
        self.kept.finish()
    }
}

/// Lends a buffer of [`CHUNK`] bytes, one a thread: reading a pipe never waits, so no job needs one of its own.
fn with_chunk<T>(act: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]));
    BUFFER.with_borrow_mut(|chunk| act(chunk))
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
    Events,
}

impl Kept {
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => {
                let room = self.max_result - self.result.len();
                self.result.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                if bytes.len() > room && !self.truncated {
                    self.truncated = true;
                    self.log.system(format!("standard output was cut off at {} bytes", self.max_result));
                }
            }
            Stream::Stderr => {
                self.tail.push(bytes);
                if !self.log.full {
                    self.stderr_lines.push(bytes, |line| self.log.line(Note::Stderr, line));
                }
            }
            Stream::Events => {
                self.event_lines.push(bytes, |line| event(&self.progress, &mut self.exception, &mut self.log, line))
            }
        }
    }

    fn finish(mut self) -> Printed {
        if let Some(line) = self.stderr_lines.finish() {
            self.log.line(Note::Stderr, line);
        }
        if let Some(line) = self.event_lines.finish() {
            event(&self.progress, &mut self.exception, &mut self.log, line);
        }
        self.log.tell_dropped();
        Printed {
            stdout: self.result,
            truncated: self.truncated,
            stderr_tail: self.tail.text(),
            exception: self.exception,
        }
    }
}

/// Progress replaces the one before and never fills the log, however often it is told; anything else is a line.
fn event(latest: &watch::Sender<Option<Progress>>, exception: &mut Option<Raised>, log: &mut Log, line: String) {
    match progress::read(&line) {
        Some(Told::Progress(progress)) => drop(latest.send_replace(Some(progress))),
        Some(Told::Exception(raised)) => *exception = Some(raised),
        None => log.line(Note::Event, line),
    }
}

impl Log {
    fn line(&mut self, kind: fn(i64, String) -> Note, mut line: String) {
        if self.full {
            return;
        }
        let length = line.len() as u64 + 1;
        if length > self.room {
            self.full = true;
            let room = usize::try_from(self.room).unwrap_or(usize::MAX);
            line.truncate((0..=room).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0));
            if !line.is_empty() {
                self.send(kind(wall_ms(), line));
            }
            self.system(format!("the log was cut off at {} bytes", self.max));
            return;
        }
        self.room -= length;
        self.send(kind(wall_ms(), line));
    }

    fn system(&mut self, text: String) {
        self.send(Note::System(wall_ms(), text));
    }

    fn send(&mut self, note: Note) {
        self.tell_dropped();
        if self.notes.try_send(note).is_err() {
            self.dropped += 1;
        }
    }

    fn tell_dropped(&mut self) {
        let lines = self.dropped;
        let text = || format!("{lines} lines were dropped here: they came faster than they could be stored");
        if lines > 0 && self.notes.try_send(Note::System(wall_ms(), text())).is_ok() {
            self.dropped = 0;
        }
    }
}

async fn readable(pipe: Option<&AsyncFd<OwnedFd>>) {
    match pipe {
        // An error of the reactor (the runtime is shutting down) shows at the read.
        Some(fd) => drop(fd.readable().await),
        None => pending().await,
    }
}

/// The reading end, which does not block, and the job's end, which does.
fn pipe() -> io::Result<(Option<AsyncFd<OwnedFd>>, OwnedFd)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((Some(sys::watch(ours)?), theirs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, io::Write};

    fn open(max_result: u64, max_log: u64, capacity: usize) -> (Output, [File; 3], Said) {
        let (output, ends, said) = Output::open(max_result, max_log, capacity).unwrap();
        (output, ends.map(File::from), said)
    }

    fn texts(Said { mut notes, .. }: Said) -> Vec<String> {
        std::iter::from_fn(|| notes.try_recv().ok())
            .map(|note| match note {
                Note::Stderr(_, line) => format!("E {line}"),
                Note::Event(_, line) => format!("V {line}"),
                Note::System(_, line) => format!("S {line}"),
                Note::Stuck(_, remains) => format!("stuck {remains}"),
                Note::Leads(pid) => format!("leads {pid}"),
            })
            .collect()
    }

    #[tokio::test]
    async fn what_is_there_at_the_end_is_read_though_the_pipe_is_held_open() {
        let (output, [mut stdout, mut stderr, mut events], notes) = open(100, 100, 10);
        stdout.write_all(b"result").unwrap();
        stderr.write_all(b"one\ntwo").unwrap();
        events.write_all(b"{}\n").unwrap();
        let printed = output.finish();
        assert_eq!((printed.stdout.as_slice(), printed.truncated), (b"result".as_slice(), false));
        assert_eq!(printed.stderr_tail, "one\ntwo");
        assert_eq!(texts(notes), ["E one", "V {}", "E two"]);
    }

    #[tokio::test]
    async fn caps_are_kept_and_said_once() {
        let (mut output, [mut stdout, mut stderr, events], notes) = open(4, 10, 100);
        drop(events);
        for _ in 0..3 {
            stdout.write_all(b"abc").unwrap();
            stderr.write_all(b"1234\n").unwrap();
            output.pump().await;
            output.pump().await;
        }
        let printed = output.finish();
        assert_eq!((printed.stdout.as_slice(), printed.truncated), (b"abca".as_slice(), true));
        assert_eq!(printed.stderr_tail, "1234\n1234\n1234");
        let texts = texts(notes);
        assert_eq!(texts.iter().filter(|text| text.starts_with("E 1234")).count(), 2);
        assert_eq!(texts.iter().filter(|text| text.starts_with("S the log was cut off at 10")).count(), 1);
        assert_eq!(texts.iter().filter(|text| text.starts_with("S standard output was cut off at 4")).count(), 1);
    }

    #[tokio::test]
    async fn a_reader_that_lags_is_told_what_it_missed() {
        let (output, [_stdout, mut stderr, _events], mut said) = open(0, 1000, 2);
        stderr.write_all(b"1\n2\n3\n4\n").unwrap();
        drop(output.finish());
        assert!(matches!(said.notes.recv().await, Some(Note::Stderr(_, line)) if line == "1"));
        assert_eq!(texts(said).len(), 1);
    }

    #[tokio::test]
    async fn the_latest_progress_comes_through_however_much_there_was() {
        let (output, [_stdout, _stderr, mut events], said) = open(0, 100, 2);
        for part in 0..1000 {
            writeln!(events, "{{\"progress\":0.{part}}}").unwrap();
        }
        events.write_all(b"{\"progress\":0.75}\n{\"progress\":").unwrap();
        drop(output.finish());
        assert_eq!(said.progress.borrow().as_ref().and_then(|told| told.fraction), Some(0.75));
        assert_eq!(texts(said), ["V {\"progress\":"]);
    }
}
