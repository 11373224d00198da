//! "Did you mean": the known word closest to an unknown one.

/// The closest of `known`, when it is close enough to be a slip of the pen.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bound = 1 + word.chars().count() / 4;
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean ...?`, or nothing.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |close| format!("; did you mean `{close}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_none() {
        let known = ["timeout", "max_timeout", "retries", "env"];
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("max-timeout", known), Some("max_timeout"));
        assert_eq!(nearest("retires", known), Some("retries"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(hint("envv", known), "; did you mean `env`?");
    }
}
