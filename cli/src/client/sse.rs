//! Server-sent events out of a stream of bytes (WHATWG HTML, 9.2.6).

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
    /// The id that the stream has reached with it.
    pub(super) id: Option<String>,
}

/// Takes bytes as they come, gives whole events. One stream, one parser: a lost connection loses a half event with it.
#[derive(Debug, Default)]
pub(super) struct Parser {
    rest: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Parser {
    /// The events that end within `bytes`.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut begin = 0;
        while let Some(length) = self.rest[begin..].iter().position(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(&self.rest[begin..begin + length]).into_owned();
            begin += length + 1;
            events.extend(self.line(line.trim_end_matches('\r')));
        }
        self.rest.drain(..begin);
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            // A comment, `retry`, or a field of later versions.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_the_bytes_are_cut() {
        let text = "retry: 1000\n\n: still here\n\nevent: log\r\nid: 7\r\ndata: {\"line\":\"\u{e4}\"}\r\n\r\ndata: a\ndata: b\n\n";
        let expected = [
            Event { name: "log".to_owned(), data: "{\"line\":\"\u{e4}\"}".to_owned(), id: Some("7".to_owned()) },
            Event { name: String::new(), data: "a\nb".to_owned(), id: None },
        ];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let events: Vec<Event> = text.as_bytes().chunks(size).flat_map(|piece| parser.feed(piece)).collect();
            assert_eq!(events, expected, "pieces of {size} bytes");
        }
    }

    #[test]
    fn half_an_event_is_none() {
        assert_eq!(Parser::default().feed(b"event: end\ndata: {}\n"), []);
    }
}
