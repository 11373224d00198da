//! What Dayfly counts and measures, for Prometheus.
//!
//! `table.rs` names every metric once: its kind, labels, buckets and help; nothing is exposed that does not stand there, and a test
//! holds the dashboard, the alert rules and docs/metrics.md against it. `exposition.rs` makes metrics of that table and writes
//! them as text.
//!
//! Labels are bounded: tasks of a catalogue or of Redis, states, kinds, templates of routes. No job's id is one, nor anything
//! that a client may choose.

mod exposition;
mod table;

pub use exposition::{CONTENT_TYPE, Exposition};
pub(crate) use exposition::{histograms, whole_counters};
pub use table::{ALL, Kind, Metric, Source, names};
