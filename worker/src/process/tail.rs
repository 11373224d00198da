//! The last lines of a stream that may be endless. Pure.

/// Most bytes given.
const LONGEST: usize = 2048;

/// Keeps the end of what passes.
#[derive(Debug, Default)]
pub(super) struct Tail {
    kept: Vec<u8>,
    cut: bool,
}

impl Tail {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let new = bytes.get(bytes.len().saturating_sub(LONGEST)..).unwrap_or(bytes);
        let over = (self.kept.len() + new.len()).saturating_sub(LONGEST);
        self.cut |= over > 0 || new.len() < bytes.len();
        self.kept.drain(..over);
        self.kept.extend_from_slice(new);
    }

    /// The last lines as valid text of at most 2 KiB: whole ones, unless the last one alone is longer.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let text = text.trim_end_matches(['\n', '\r']);
        // Replaced bytes take more room than they did.
        let from = (text.len().saturating_sub(LONGEST)..).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text.get(from..).unwrap_or(text);
        let whole = if self.cut || from > 0 { end.split_once('\n').map(|(_, rest)| rest) } else { None };
        whole.unwrap_or(end).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(chunks: &[&[u8]]) -> String {
        let mut tail = Tail::default();
        chunks.iter().for_each(|chunk| tail.push(chunk));
        tail.text()
    }

    #[test]
    fn short_output_is_whole() {
        assert_eq!(tail(&[]), "");
        assert_eq!(tail(&[b"one\n", b"two\n"]), "one\ntwo");
    }

    #[test]
    fn long_output_keeps_its_last_whole_lines() {
        let lines: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        for size in [1, 7, 2048, 5000, 20_000] {
            let text = tail(&lines.as_bytes().chunks(size).collect::<Vec<_>>());
            assert!(text.len() <= LONGEST && text.len() > LONGEST - 20, "{}", text.len());
            assert!(text.starts_with("line ") && text.ends_with("line 999"));
        }
    }

    #[test]
    fn one_endless_line_keeps_its_end_and_bad_bytes_do_not_grow_it() {
        let bytes = [vec![0xff; 10_000], b"the end".to_vec()].concat();
        let text = tail(&[&bytes]);
        assert!(text.len() <= LONGEST && text.ends_with("the end"));
    }
}
