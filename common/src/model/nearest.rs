//! "Did you mean": the known word closest to an unknown one.

/// How alike two words must be (Jaro-Winkler, 0 to 1) to be worth a question.
const ALIKE: f64 = 0.75;

/// The known word most like `given`, if any is near enough.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&given, &word.to_lowercase()), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

/// `; did you mean ...?`, or nothing.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |close| format!("; did you mean `{close}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["timeout", "max_timeout", "retries", "env", "priority"];
        for (given, found) in [
            ("timout", Some("timeout")),
            ("max-timeout", Some("max_timeout")),
            ("retires", Some("retries")),
            ("Prio", Some("priority")),
            ("colour", None),
            ("zzz", None),
        ] {
            assert_eq!(nearest(given, known), found, "{given}");
        }
        assert_eq!(hint("envv", known), "; did you mean `env`?");
    }
}
