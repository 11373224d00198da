//! Metrics as Prometheus would read them: the text is held against its format, and every family against the table.

use dayfly_common::metrics::{ALL, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// One line with a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its name, of a histogram with `_bucket`, `_sum` or `_count`.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// What was told at one time.
#[derive(Debug, Clone, Default)]
pub struct Scrape {
    /// Every line with a number.
    pub samples: Vec<Sample>,
}

impl Scrape {
    /// Reads a text.
    ///
    /// # Panics
    /// When it is not as the format or the table asks.
    #[must_use]
    pub fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line is whole");
        let (mut families, mut series) = (BTreeSet::new(), BTreeSet::new());
        let mut scrape = Self::default();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).expect(line);
            let metric =
                ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}: no such name"));
            assert!(families.insert(name), "{name} is told in one place");
            assert_eq!(help, metric.help);
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            assert_eq!(lines.next(), Some(format!("# TYPE {name} {kind}").as_str()));
            let mut any = false;
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let sample = sample(line);
                assert!(series.insert(line.rsplit_once(' ').expect(line).0), "{line}: told once");
                let suffix = sample.name.strip_prefix(name).expect(line);
                let histogram = matches!(metric.kind, Kind::Histogram(_));
                assert!(if histogram { ["_bucket", "_sum", "_count"].contains(&suffix) } else { suffix.is_empty() });
                let labels: BTreeSet<&str> =
                    sample.labels.keys().map(String::as_str).filter(|name| *name != "le").collect();
                assert_eq!(labels, metric.labels.iter().copied().collect(), "{line}");
                scrape.samples.push(sample);
                any = true;
            }
            assert!(any, "{name} has a series");
            if let Kind::Histogram(bounds) = metric.kind {
                scrape.check_buckets(name, bounds.len());
            }
        }
        scrape
    }

    /// Buckets count all that is below them, and the last one everything.
    fn check_buckets(&self, name: &str, bounds: usize) {
        for count in self.samples.iter().filter(|sample| sample.name == format!("{name}_count")) {
            let buckets: Vec<&Sample> = self
                .samples
                .iter()
                .filter(|sample| sample.name == format!("{name}_bucket"))
                .filter(|sample| count.labels.iter().all(|(label, value)| sample.labels.get(label) == Some(value)))
                .collect();
            assert_eq!(buckets.len(), bounds + 1, "{name}");
            assert!(buckets.is_sorted_by(|one, next| one.value <= next.value), "{buckets:?}");
            let last = buckets.last().expect("a bucket");
            assert_eq!((last.labels["le"].as_str(), last.value), ("+Inf", count.value));
        }
    }

    /// The value of the series with exactly these labels.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: BTreeMap<String, String> =
            labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        self.samples.iter().find(|sample| sample.name == name && sample.labels == wanted).map(|sample| sample.value)
    }

    /// All values that a label has.
    #[must_use]
    pub fn labels(&self, label: &str) -> BTreeSet<&str> {
        self.samples.iter().filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect()
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let (name, mut rest) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
        None => (series, ""),
    };
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect(line);
        let (value, after) = after.split_once('"').expect(line);
        assert!(labels.insert(label.to_owned(), value.to_owned()).is_none(), "{line}: each label once");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse().expect(line) };
    Sample { name: name.to_owned(), labels, value }
}
