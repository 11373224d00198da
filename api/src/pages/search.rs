//! The one box of /jobs: `state:failed task:factor kind:timeout label:team:blue`, or the id of a job.

use crate::{
    error::{Code, Problem},
    extract::{FILTER_NAMES, Query, list_filter},
};
use dayfly_common::{
    model::{JobId, State},
    queue::ListFilter,
};

/// What may stand before a colon, and what the API calls it.
const WORDS: [(&str, &str); 7] = [
    ("state", "state"),
    ("task", "task"),
    ("kind", "error_kind"),
    ("worker", "worker"),
    ("label", "label"),
    ("since", "since"),
    ("until", "until"),
];

/// A search, read.
#[derive(Debug, Default)]
pub(super) struct Search {
    pairs: Vec<(&'static str, String)>,
}

/// What somebody looks for.
#[derive(Debug)]
pub(super) enum Wanted {
    /// One job, by its id.
    Job(JobId),
    /// All that match.
    Jobs(Search),
}

impl Search {
    /// Reads what was typed.
    ///
    /// # Errors
    /// A word that means nothing here; says what does.
    pub(super) fn read(text: &str) -> Result<Wanted, Problem> {
        let mut pairs = Vec::new();
        let words = split(text)?;
        if let [only] = words.as_slice()
            && let Ok(id) = only.parse()
        {
            return Ok(Wanted::Job(id));
        }
        for word in words {
            let (name, value) = word.split_once(':').unwrap_or((&word, ""));
            let known = WORDS.iter().find(|(short, long)| *short == name || *long == name);
            let Some((_, name)) = known.filter(|_| !value.is_empty()) else { return Err(unknown(&word)) };
            pairs.push((*name, value.to_owned()));
        }
        Ok(Wanted::Jobs(Self { pairs }))
    }

    /// As the API's lists take it.
    ///
    /// # Errors
    /// A value that means nothing, or filters that no job could pass together.
    pub(super) fn filter(&self) -> Result<ListFilter, Problem> {
        let pairs = self.pairs.iter().map(|(name, value)| Ok(((*name).to_owned(), value.clone())));
        list_filter(&Query::gather(pairs, &FILTER_NAMES)?)
    }

    /// The value of a name.
    pub(super) fn get(&self, wanted: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    }

    /// The same in another state, or in any.
    pub(super) fn in_state(&self, state: Option<State>) -> String {
        // Only failed jobs have a kind of error.
        let gone =
            |name: &str| name == "state" || name == "error_kind" && state.is_some_and(|state| state != State::Failed);
        let mut words: Vec<String> = state.iter().map(|state| format!("state:{state}")).collect();
        words.extend(self.pairs.iter().filter(|(name, _)| !gone(name)).map(|(name, value)| word(name, value)));
        words.join(" ")
    }

    /// As the body of an action takes it: JSON.
    pub(super) fn action_filter(&self) -> serde_json::Value {
        let mut filter = serde_json::Map::new();
        let labels: Vec<&str> =
            self.pairs.iter().filter(|(name, _)| *name == "label").map(|(_, value)| value.as_str()).collect();
        for (name, value) in self.pairs.iter().filter(|(name, _)| *name != "label") {
            filter.insert((*name).to_owned(), value.as_str().into());
        }
        if !labels.is_empty() {
            filter.insert("label".to_owned(), labels.into());
        }
        if filter.is_empty() {
            filter.insert("all".to_owned(), true.into());
        }
        filter.into()
    }
}

/// A pair as it is typed.
pub(super) fn word(name: &str, value: &str) -> String {
    let short = WORDS.iter().find(|(_, long)| *long == name).map_or(name, |(short, _)| short);
    if value.contains(char::is_whitespace) || value.contains('"') {
        format!("{short}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{short}:{value}")
    }
}

/// Words, set apart by white space; within double quotes it is part of a word.
fn split(text: &str) -> Result<Vec<String>, Problem> {
    let (mut words, mut word, mut quoted, mut chars) = (Vec::new(), String::new(), false, text.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' => quoted = !quoted,
            '\\' if quoted => word.extend(chars.next()),
            char if char.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            char => word.push(char),
        }
    }
    if quoted {
        return Err(Problem::new(Code::BadOption, "A quotation mark is not closed."));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn unknown(word: &str) -> Problem {
    let shown: String = word.chars().take(80).collect();
    let detail = format!(
        "`{shown}` is neither the id of a job nor a filter: write state:failed, task:NAME, kind:timeout, worker:ID, \
         label:name:value, since:2030-01-01T00:00:00Z or until:.. (a value with spaces in double quotes)."
    );
    Problem::new(Code::BadOption, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(text: &str) -> Search {
        match Search::read(text).unwrap() {
            Wanted::Jobs(search) => search,
            Wanted::Job(id) => panic!("{id}"),
        }
    }

    #[test]
    fn a_search_is_read_and_written() {
        let search = jobs("  state:failed task:factor kind:timeout label:team:\"light blue\" ");
        let filter = search.filter().unwrap();
        assert_eq!((filter.state, filter.task.unwrap().as_str()), (Some(State::Failed), "factor"));
        assert_eq!(filter.labels["team"], "light blue");
        let again = search.in_state(Some(State::Failed));
        assert_eq!(again, "state:failed task:factor kind:timeout label:\"team:light blue\"");
        assert_eq!(jobs(&again).filter().unwrap(), search.filter().unwrap());
        assert_eq!(search.in_state(Some(State::Queued)), "state:queued task:factor label:\"team:light blue\"");
        assert_eq!(search.in_state(None), "task:factor kind:timeout label:\"team:light blue\"");
        let odd = jobs(&word("label", "a:\"\\ b"));
        assert_eq!(odd.get("label"), Some("a:\"\\ b"));
    }

    #[test]
    fn an_action_names_the_same_jobs() {
        let of = |text: &str| jobs(text).action_filter().to_string();
        assert_eq!(of(""), r#"{"all":true}"#);
        assert_eq!(of("kind:oom label:a:b label:c:d"), r#"{"error_kind":"oom","label":["a:b","c:d"]}"#);
    }

    #[test]
    fn an_id_is_a_job_and_other_words_are_explained() {
        let id = JobId::now();
        assert!(matches!(Search::read(&format!(" {id} ")), Ok(Wanted::Job(read)) if read == id));
        for (text, says) in [
            ("failed", "neither the id"),
            ("state:", "neither"),
            ("colour:red", "neither"),
            ("label:\"a:b", "not closed"),
        ] {
            let problem = Search::read(text).unwrap_err();
            assert!(problem.detail().contains(says), "{text}: {}", problem.detail());
        }
        assert!(jobs("state:done").filter().is_err() && jobs("state:queued kind:oom").filter().is_err());
    }
}
