//! The figures of a run, and how they are shown.

use serde_json::{Value, json};
use std::fmt::Write as _;

/// One line of the table.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// The limit or aim beside it, in words.
    beside: String,
}

/// All figures of a run.
pub(crate) struct Figures {
    cores: usize,
    slots: u32,
    /// What else is to be known of the run.
    notes: Vec<String>,
    rows: Vec<Figure>,
}

impl Figures {
    pub(crate) fn new(cores: usize, slots: u32) -> Self {
        Self { cores, slots, notes: Vec::new(), rows: Vec::new() }
    }

    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    pub(crate) fn add(&mut self, name: &'static str, value: f64, unit: &'static str, beside: impl Into<String>) {
        eprintln!("{name}: {value:.2} {unit}");
        self.rows.push(Figure { name, value, unit, beside: beside.into() });
    }

    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{} cores, {} slots, {}, kernel {}{}\n\n| figure | value | unit | beside it |\n|---|---:|---|---|\n",
            self.cores,
            self.slots,
            dayfly_tests::server_binary().file_name().unwrap_or_default().display(),
            kernel(),
            self.notes.iter().map(|note| format!(", {note}")).collect::<String>()
        );
        for row in &self.rows {
            let _always = writeln!(text, "| {} | {:.2} | {} | {} |", row.name, row.value, row.unit, row.beside);
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Figure| json!({"name": row.name, "value": row.value, "unit": row.unit, "beside": row.beside});
        json!({
            "cores": self.cores,
            "slots": self.slots,
            "kernel": kernel(),
            "notes": self.notes,
            "figures": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn kernel() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// The value below which `share` of the sorted values lie.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        return f64::NAN;
    }
    let last = values.len() - 1;
    values[((last as f64) * share).round() as usize]
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}
