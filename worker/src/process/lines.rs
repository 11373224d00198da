//! Bytes into lines of valid text, however they arrive. Pure.

/// Longest line kept, bytes.
pub(super) const LONGEST: usize = 16 * 1024;
/// Stands at the end of a line that was longer.
const CUT: &str = " [line cut off]";

/// The line that is being read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// There was more of it than is kept.
    cut: bool,
}

impl Lines {
    /// Takes the next bytes and gives each line that they complete, without its end.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(end);
            self.add(head);
            line(self.take());
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.add(bytes);
    }

    /// Gives what is left when nothing more will come.
    pub(super) fn finish(&mut self) -> Option<String> {
        if self.partial.is_empty() { None } else { Some(self.take()) }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = LONGEST - self.partial.len();
        self.cut |= bytes.len() > room;
        self.partial.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn take(&mut self) -> String {
        let bytes = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        if self.cut {
            text.push_str(CUT);
        }
        self.partial.clear();
        self.cut = false;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.push(chunk, |line| seen.push(line));
        }
        seen.extend(lines.finish());
        seen
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = "one\n\ntwo\r\nthr\u{e9}e\nlast";
        let whole = read(&[text.as_bytes()]);
        assert_eq!(whole, ["one", "", "two", "thr\u{e9}e", "last"]);
        for size in 1..text.len() {
            assert_eq!(read(&text.as_bytes().chunks(size).collect::<Vec<_>>()), whole);
        }
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        assert_eq!(read(&[b"a\xff\xfeb\n"]), ["a\u{fffd}\u{fffd}b"]);
    }

    #[test]
    fn a_long_line_is_cut_and_marked_and_the_next_one_whole() {
        let long = vec![b'x'; 5 * LONGEST];
        let seen = read(&[&long, &long, b"\nnext\n"]);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].len(), LONGEST + CUT.len());
        assert!(seen[0].ends_with(CUT));
        assert_eq!(seen[1], "next");
        assert_eq!(read(&[&long[..LONGEST], b"\n"])[0].len(), LONGEST, "exactly the cap is whole");
    }
}
