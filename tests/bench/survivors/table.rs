//! What was counted, and how it is shown.

use super::{ending::Ending, tree::Counted};
use std::fmt::Write as _;

/// All trees that ended in one way in one system.
#[derive(Debug, Default, Clone, Copy)]
struct Cell {
    processes: usize,
    left: usize,
    trees: usize,
    trees_left: usize,
}

impl Cell {
    fn add(&mut self, standing: usize, left: usize) {
        self.processes += standing;
        self.left += left;
        self.trees += 1;
        self.trees_left += usize::from(left > 0);
    }

    fn show(self) -> String {
        match self.trees {
            0 => "-".to_owned(),
            _ => format!("{} of {} / {} of {}", self.left, self.processes, self.trees_left, self.trees),
        }
    }
}

/// One system.
pub(crate) struct Column {
    name: String,
    cells: [Cell; Ending::ALL.len()],
    after_start: Cell,
    at_report: usize,
    unreported: usize,
}

impl Column {
    pub(crate) fn new(name: String) -> Self {
        let (cells, after_start) = ([Cell::default(); Ending::ALL.len()], Cell::default());
        Self { name, cells, after_start, at_report: 0, unreported: 0 }
    }

    /// `row`: the ending's place in [`Ending::ALL`].
    pub(crate) fn add(&mut self, row: usize, counted: &Counted) {
        self.cells[row].add(counted.standing, counted.left);
        if let Some(left) = counted.after_start {
            self.after_start.add(counted.standing, left);
        }
        self.at_report += counted.at_report;
        self.unreported += usize::from(counted.unreported);
    }
}

/// The table, and a line on what it cannot show.
pub(crate) fn table(columns: &[Column]) -> String {
    let mut text = String::new();
    let mut line = |first: &str, cells: Vec<String>| {
        let _always = writeln!(text, "| {first} | {} |", cells.join(" | "));
    };
    line("the job is ended by", columns.iter().map(|column| column.name.clone()).collect());
    line("---", columns.iter().map(|_| "---:".to_owned()).collect());
    for (row, ending) in Ending::ALL.iter().enumerate() {
        line(ending.name(), columns.iter().map(|column| column.cells[row].show()).collect());
    }
    line("... and after the worker's next start", columns.iter().map(|column| column.after_start.show()).collect());
    let said = |number: fn(&Column) -> usize| {
        let each: Vec<String> = columns.iter().map(|column| format!("{} {}", column.name, number(column))).collect();
        each.join(", ")
    };
    let _always = writeln!(
        text,
        "\nAlive when the system said that the job had ended (rows without a kill -9): {}.\n\
         Jobs of which it never said so (rows without a kill -9): {}.",
        said(|column| column.at_report),
        said(|column| column.unreported)
    );
    text
}
