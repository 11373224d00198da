//! What was found, how bad it is, what it means and how to mend it.

use serde::Serialize;
use std::fmt::{self, Write as _};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Works, with less than is promised elsewhere.
    Warn,
    /// Jobs do not run, or may be lost.
    Fail,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at: a word for scripts, `redis.eviction`.
    pub(super) check: String,
    pub(super) level: Level,
    /// What is there.
    pub(super) found: String,
    /// What follows from it. Empty when all is well.
    pub(super) means: String,
    /// What to do. Empty when all is well.
    pub(super) fix: String,
}

impl Finding {
    pub(super) fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Ok, found: found.into(), means: String::new(), fix: String::new() }
    }

    pub(super) fn warn(
        check: impl Into<String>,
        found: impl Into<String>,
        means: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (means, fix) = (means.into(), fix.into());
        Self { check: check.into(), level: Level::Warn, found: found.into(), means, fix }
    }

    pub(super) fn fail(
        check: impl Into<String>,
        found: impl Into<String>,
        means: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { level: Level::Fail, ..Self::warn(check, found, means, fix) }
    }
}

/// Bytes, as people read them.
pub(super) fn roughly(bytes: u64) -> String {
    let mib = bytes >> 20;
    if mib >= 10_240 { format!("{} GiB", mib >> 10) } else { format!("{mib} MiB") }
}

/// All findings.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.count(Level::Fail) > 0
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ok": self.count(Level::Ok),
            "warn": self.count(Level::Warn),
            "fail": self.count(Level::Fail),
            "findings": self.findings,
        }))
    }
}

impl fmt::Display for Report {
    /// For people.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        for Finding { check, level, found, means, fix } in &self.findings {
            let word = match level {
                Level::Ok => "ok  ",
                Level::Warn => "WARN",
                Level::Fail => "FAIL",
            };
            // What a program said may have lines of its own.
            let found = found.replace('\n', "\n      ");
            writeln!(out, "{word}  {check:width$}  {found}")?;
            for (name, text) in [("means", means), ("fix", fix)] {
                if !text.is_empty() {
                    writeln!(out, "      {name:5}  {text}")?;
                }
            }
        }
        let (ok, warn, fail) = (self.count(Level::Ok), self.count(Level::Warn), self.count(Level::Fail));
        let mut last = format!("{ok} ok");
        for (number, one, many) in [(warn, "warning", "warnings"), (fail, "failure", "failures")] {
            let _ = write!(last, ", {number} {}", if number == 1 { one } else { many });
        }
        write!(out, "{last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_and_tells() {
        let mut report = Report::default();
        report.add(Finding::ok("a", "well"));
        assert!(!report.has_failed());
        report.add(Finding::fail("b.c", "bad", "it breaks", "mend it"));
        assert!(report.has_failed());
        let text = report.to_string();
        assert_eq!(
            text,
            "ok    a    well\nFAIL  b.c  bad\n      means  it breaks\n      fix    mend it\n1 ok, 0 warnings, 1 failure"
        );
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!((&json["fail"], &json["findings"][1]["level"]), (&1.into(), &"fail".into()));
    }
}
