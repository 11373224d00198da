//! Where a page of a list ended, as a text that means nothing to others: `stage~score~id`, behind what binds it to its
//! filter (`list.rs`).

use super::index::Entry;
use crate::model::TaskName;
use std::{fmt, str::FromStr};

/// A part of a list. They follow each other in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Running,
    /// The queues, by name.
    Queued(TaskName),
    Scheduled,
    Finished,
}

/// A place in a list: what comes after it is the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) stage: Stage,
    /// The last entry seen there.
    pub(super) after: Option<Entry>,
}

impl Position {
    pub(super) fn start() -> Self {
        Self { stage: Stage::Running, after: None }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Running => out.write_str("r")?,
            Stage::Queued(task) => write!(out, "q{task}")?,
            Stage::Scheduled => out.write_str("s")?,
            Stage::Finished => out.write_str("f")?,
        }
        match &self.after {
            Some(entry) => write!(out, "~{}~{}", entry.score, entry.id),
            None => Ok(()),
        }
    }
}

/// Not a text that [`Position`] wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotACursor;

impl FromStr for Position {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut parts = text.split('~');
        let stage = parts.next().unwrap_or_default();
        let stage = match stage {
            "r" => Stage::Running,
            "s" => Stage::Scheduled,
            "f" => Stage::Finished,
            _ => Stage::Queued(stage.strip_prefix('q').and_then(|task| task.parse().ok()).ok_or(NotACursor)?),
        };
        let after = match (parts.next(), parts.next(), parts.next()) {
            (Some(score), Some(id), None) => {
                Some(Entry { score: score.parse().map_err(|_| NotACursor)?, id: id.parse().map_err(|_| NotACursor)? })
            }
            (None, None, None) => None,
            _ => return Err(NotACursor),
        };
        Ok(Self { stage, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobId;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let entry = Entry { score: 51_733_000_000_000, id: JobId::now() };
        let task = Stage::Queued("shell_pipeline.v-2".parse().expect("a good name"));
        for stage in [Stage::Running, task, Stage::Scheduled, Stage::Finished] {
            for after in [None, Some(entry)] {
                let position = Position { stage: stage.clone(), after };
                assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
        for wrong in ["", "x", "q", "r~1", "r~x~y", "f~1~0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90~1", "q-a"] {
            assert_eq!(wrong.parse::<Position>(), Err(NotACursor), "{wrong}");
        }
    }
}
