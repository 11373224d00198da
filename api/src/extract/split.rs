//! A batch, cut into its jobs while it arrives: no more than one job is held, and none is parsed here.

use crate::error::{Code, Problem};
use axum::body::Bytes;
use std::mem::take;

/// Most jobs of a batch.
const MOST_JOBS: usize = 1_000;

/// How the jobs of a batch are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One JSON array.
    Array,
    /// One JSON text a line (NDJSON). Empty lines do not count.
    Lines,
}

/// A job's own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Without the white space around it. Not yet known to be JSON.
    Item(Bytes),
    /// Larger than any job may be; it was thrown away while it arrived.
    TooLarge,
}

/// Where in an array the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// After the opening bracket.
    First,
    /// After a comma.
    Next,
    Inside,
    After,
}

/// Cuts.
#[derive(Debug)]
pub(crate) struct Splitter {
    framing: Framing,
    place: Place,
    depth: usize,
    in_string: bool,
    escaped: bool,
    item: Vec<u8>,
    /// The item has outgrown `most`.
    outgrown: bool,
    most: usize,
    cut: usize,
}

impl Splitter {
    /// `most`: bytes of the largest job that is kept.
    pub(crate) fn new(framing: Framing, most: usize) -> Self {
        Self {
            framing,
            place: Place::Before,
            depth: 0,
            in_string: false,
            escaped: false,
            item: Vec::new(),
            outgrown: false,
            most,
            cut: 0,
        }
    }

    /// Takes the next bytes of the body and adds the jobs that end in them to `cuts`.
    ///
    /// # Errors
    /// The bytes after the last of `cuts` cannot belong to a batch.
    pub(crate) fn feed(&mut self, bytes: &[u8], cuts: &mut Vec<Cut>) -> Result<(), Problem> {
        match self.framing {
            Framing::Array => self.feed_array(bytes, cuts),
            Framing::Lines => self.feed_lines(bytes, cuts),
        }
    }

    /// The body is over.
    ///
    /// # Errors
    /// In the middle of an array.
    pub(crate) fn end(&mut self, cuts: &mut Vec<Cut>) -> Result<(), Problem> {
        match (self.framing, self.place) {
            (Framing::Lines, _) => self.cut_line(cuts),
            (Framing::Array, Place::After) => Ok(()),
            (Framing::Array, Place::Before) => Err(malformed("it is empty. A batch without jobs is []")),
            (Framing::Array, Place::First | Place::Next | Place::Inside) => Err(malformed("it ends within the array")),
        }
    }

    fn feed_lines(&mut self, bytes: &[u8], cuts: &mut Vec<Cut>) -> Result<(), Problem> {
        let mut lines = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            self.keep(line);
            if lines.peek().is_some() {
                self.cut_line(cuts)?;
            }
        }
        Ok(())
    }

    fn cut_line(&mut self, cuts: &mut Vec<Cut>) -> Result<(), Problem> {
        if !self.outgrown && self.item.trim_ascii().is_empty() {
            self.item.clear();
            return Ok(());
        }
        self.cut(cuts)
    }

    fn feed_array(&mut self, bytes: &[u8], cuts: &mut Vec<Cut>) -> Result<(), Problem> {
        let mut begin = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let blank = byte.is_ascii_whitespace();
            match self.place {
                Place::Before | Place::First | Place::Next | Place::After if blank => {}
                Place::Before if byte == b'[' => self.place = Place::First,
                Place::Before => {
                    let detail = "it is not an array of jobs. Send [{\"task\": ..}, ..], or one job a line as \
                                  `Content-Type: application/x-ndjson`";
                    return Err(malformed(detail));
                }
                Place::First if byte == b']' => self.place = Place::After,
                Place::First | Place::Next if byte == b']' || byte == b',' => {
                    return Err(malformed("a comma stands where a job should"));
                }
                Place::First | Place::Next => {
                    (self.place, self.depth, begin) = (Place::Inside, 0, at);
                    self.step(byte);
                }
                Place::Inside if !self.in_string && self.depth == 0 && (byte == b',' || byte == b']') => {
                    self.keep(&bytes[begin..at]);
                    self.cut(cuts)?;
                    self.place = if byte == b',' { Place::Next } else { Place::After };
                }
                Place::Inside => self.step(byte),
                Place::After => return Err(malformed("something follows the array")),
            }
        }
        if self.place == Place::Inside {
            self.keep(&bytes[begin..]);
        }
        Ok(())
    }

    /// One byte within an item: only what tells where the item ends.
    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'[' | b'{' if !self.in_string => self.depth += 1,
            b']' | b'}' if !self.in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.outgrown || self.item.len() + bytes.len() > self.most {
            self.outgrown = true;
            self.item = Vec::new();
        } else {
            self.item.extend_from_slice(bytes);
        }
    }

    fn cut(&mut self, cuts: &mut Vec<Cut>) -> Result<(), Problem> {
        let item = take(&mut self.item);
        let outgrown = take(&mut self.outgrown);
        if self.cut == MOST_JOBS {
            let detail = format!("A batch holds at most {MOST_JOBS} jobs: send the rest in another.");
            return Err(Problem::new(Code::TooLarge, detail));
        }
        self.cut += 1;
        cuts.push(if outgrown {
            Cut::TooLarge
        } else {
            let item = Bytes::from(item);
            Cut::Item(item.slice_ref(item.trim_ascii()))
        });
        Ok(())
    }
}

fn malformed(why: &str) -> Problem {
    Problem::new(Code::MalformedJson, format!("The body is not a batch: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is cut out of a body that arrives in pieces of `size` bytes, and the fault that ended it.
    fn split(framing: Framing, body: &str, size: usize) -> (Vec<String>, Option<String>) {
        let mut splitter = Splitter::new(framing, 20);
        let mut cuts = Vec::new();
        let fed = body.as_bytes().chunks(size).try_for_each(|bytes| splitter.feed(bytes, &mut cuts));
        let fault = fed.and_then(|()| splitter.end(&mut cuts)).err();
        let shown = cuts.iter().map(|cut| match cut {
            Cut::Item(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Cut::TooLarge => "(too large)".to_owned(),
        });
        (shown.collect(), fault.map(|problem| problem.detail().to_owned()))
    }

    #[test]
    fn arrays_are_cut_wherever_their_pieces_end() {
        for (body, items) in [
            ("[]", &[][..]),
            (" [ ] ", &[]),
            ("[1]", &["1"]),
            ("[{\"a\":[1,2]} , \"],[\", \"\\\"]\" ,[[]]]", &["{\"a\":[1,2]}", "\"],[\"", "\"\\\"]\"", "[[]]"]),
            ("[ \"\\\\\", 1 ]", &["\"\\\\\"", "1"]),
            ("[{\"a\":\"0123456789012345\"},2]", &["(too large)", "2"]),
            ("[\"\u{4f60}\",{}]\n", &["\"\u{4f60}\"", "{}"]),
        ] {
            for size in 1..=body.len() {
                let (cut, fault) = split(Framing::Array, body, size);
                assert_eq!(
                    (cut.iter().map(String::as_str).collect::<Vec<_>>(), fault),
                    (items.to_vec(), None),
                    "{body}"
                );
            }
        }
    }

    #[test]
    fn faults_come_after_the_items_before_them() {
        for (body, items, says) in [
            ("", 0, "empty"),
            ("{\"task\":1}", 0, "not an array"),
            ("[1,2", 1, "ends within"),
            ("[1,]", 1, "where a job should"),
            ("[,1]", 0, "where a job should"),
            ("[1,,2]", 1, "where a job should"),
            ("[1] 2", 1, "follows"),
            ("\u{feff}[]", 0, "not an array"),
        ] {
            for size in 1..=body.len().max(1) {
                let (cut, fault) = split(Framing::Array, body, size);
                assert_eq!(cut.len(), items, "{body}");
                assert!(fault.is_some_and(|fault| fault.contains(says)), "{body}");
            }
        }
    }

    #[test]
    fn lines_are_cut_and_empty_ones_do_not_count() {
        for (body, items) in [
            ("", &[][..]),
            ("\n\r\n", &[]),
            ("{\"a\":1}\n{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]),
            (" {}\r\n\n[\n", &["{}", "["]),
            ("0123456789012345678901\n1\n", &["(too large)", "1"]),
        ] {
            for size in 1..=body.len().max(1) {
                let (cut, fault) = split(Framing::Lines, body, size);
                assert_eq!(
                    (cut.iter().map(String::as_str).collect::<Vec<_>>(), fault),
                    (items.to_vec(), None),
                    "{body}"
                );
            }
        }
    }

    #[test]
    fn jobs_are_counted() {
        for (framing, body) in
            [(Framing::Array, format!("[{}]", vec!["1"; 1_001].join(","))), (Framing::Lines, "1\n".repeat(1_001))]
        {
            let (cut, fault) = split(framing, &body, 7);
            assert_eq!(cut.len(), MOST_JOBS);
            assert!(fault.is_some_and(|fault| fault.contains("at most 1000")), "{framing:?}");
        }
        assert_eq!(split(Framing::Lines, &"1\n".repeat(1_000), 64), (vec!["1".to_owned(); 1_000], None));
    }
}
