//! What goes to a terminal: plain text only, cut to its width, in colours that it may do without.
//!
//! Logs, labels and messages come from jobs: an escape sequence in them must not reach a terminal.

use super::Exit;
use crate::failure::Failure;
use console::{measure_text_width, strip_ansi_codes, truncate_str};
use std::{
    borrow::Cow,
    env,
    io::{self, IsTerminal as _, Write as _},
};

/// Text without anything that steers a terminal; tabs stay.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let odd = |char: char| char.is_control() && char != '\t';
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(strip_ansi_codes(text).chars().filter(|&char| !odd(char)).collect())
}

/// How standard output looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    colour: bool,
    /// Columns; `None` where it is no terminal, and nothing is cut.
    pub(super) width: Option<usize>,
}

impl Look {
    /// Of standard output as it is: colours on a terminal, unless NO_COLOR says otherwise.
    pub(super) fn of_stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let width = terminal.then(|| crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns)));
        Self { colour: terminal && wanted, width: width.filter(|width| *width > 0) }
    }

    /// A state's word in its colour.
    pub(super) fn state(self, word: &str) -> String {
        let code = match word {
            "succeeded" | "live" => "32",
            "failed" => "31",
            "cancelled" | "paused" | "draining" => "33",
            "running" => "36",
            _ => return word.to_owned(),
        };
        self.paint(code, word)
    }

    /// A headline.
    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What is wrong.
    pub(super) fn alarm(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Rows below their headline, each column as wide as its widest cell.
    pub(super) fn table<const COLUMNS: usize>(self, head: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> Vec<String> {
        let head = head.map(|word| self.bold(word));
        let all = || std::iter::once(&head).chain(rows);
        let widths: [usize; COLUMNS] =
            std::array::from_fn(|column| all().map(|row| measure_text_width(&row[column])).max().unwrap_or(0));
        let line = |row: &[String; COLUMNS]| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - measure_text_width(cell) + 2));
            }
            self.cut(line.trim_end())
        };
        all().map(line).collect()
    }

    /// As much of a line as the terminal is wide.
    pub(super) fn cut(self, line: &str) -> String {
        self.width.map_or_else(|| line.to_owned(), |width| truncate_str(line, width, "\u{2026}").into_owned())
    }
}

/// Bytes on standard output. Who reads no further (`| head`) ends the command in silence.
pub(super) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|why| match why.kind() {
        io::ErrorKind::BrokenPipe => Exit::Error.silent(),
        _ => Exit::Error.because(format_args!("standard output: {why}")),
    })
}

/// A line on standard output.
pub(super) fn print(line: &str) -> Result<(), Failure> {
    write(format!("{line}\n").as_bytes())
}

/// JSON on standard output, as the API sent it, and the end of a line.
pub(super) fn json(bytes: &[u8]) -> Result<(), Failure> {
    let mut line = bytes.trim_ascii_end().to_vec();
    line.push(b'\n');
    write(&line)
}

/// Lines on standard output.
pub(super) fn print_all(lines: &[String]) -> Result<(), Failure> {
    if lines.is_empty() { Ok(()) } else { print(&lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(clean("plain \u{e4}\t."), "plain \u{e4}\t.");
        assert_eq!(clean("a\x1b[31mred\x1b[0m\x1b]0;title\x07b\r\nc\x08"), "aredbc");
    }

    #[test]
    fn columns_stand_below_each_other_and_lines_are_cut() {
        let rows =
            [["1".to_owned(), "\u{5ba2}".to_owned(), "x".to_owned()], ["22".to_owned(), "b".to_owned(), String::new()]];
        let wide = Look { colour: false, width: None };
        assert_eq!(wide.table(["A", "B", "C"], &rows), ["A   B   C", "1   \u{5ba2}  x", "22  b"]);
        let narrow = Look { colour: false, width: Some(6) };
        assert_eq!(narrow.table(["A", "B", "C"], &rows)[0], "A   B\u{2026}");
        assert_eq!(wide.state("failed"), "failed");
        assert_eq!(Look { colour: true, width: None }.state("failed"), "\x1b[31mfailed\x1b[0m");
    }
}
