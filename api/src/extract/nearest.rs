//! "Did you mean": the known word nearest to a given one.

/// How alike two words must be (Jaro-Winkler, 0 to 1) to be worth a question.
const ALIKE: f64 = 0.7;

/// The known word most like `given`, if any is near enough.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&given, &word.to_lowercase()), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["timeout", "delay", "priority", "retries"];
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("Prio", known), Some("priority"));
        assert_eq!(nearest("retry", known), Some("retries"));
        assert_eq!(nearest("zzz", known), None);
    }
}
