//! Metrics made of the table, and their text.

use super::{Kind, Metric, names};
use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder, core::Collector,
};

/// The media type of [`Exposition::text`] (Prometheus' text format).
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Said where a metric of the table is refused; a test makes all of them.
const SOUND: &str = "the table's names and labels are good, and each stands there once";

/// Metrics that are told together.
#[derive(Debug, Default)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// With `dayfly_build_info` of a component (`api`, `worker`).
    ///
    /// # Panics
    /// Never: see [`Exposition::counters`].
    #[must_use]
    pub fn of(component: &str) -> Self {
        let own = Self::default();
        own.gauges(&names::BUILD_INFO).with_label_values(&[env!("CARGO_PKG_VERSION"), component]).set(1.0);
        own
    }

    /// Adds one that was made elsewhere.
    ///
    /// # Panics
    /// When one of that name is there: a fault of this program.
    pub fn add(&self, metric: impl Collector + 'static) {
        self.registry.register(Box::new(metric)).expect(SOUND);
    }

    /// Counters of whole numbers.
    ///
    /// # Panics
    /// When they are added twice: a fault of this program.
    pub fn counters(&self, metric: &Metric) -> IntCounterVec {
        let made = whole_counters(metric);
        self.add(made.clone());
        made
    }

    /// Counters of seconds.
    ///
    /// # Panics
    /// As [`Exposition::counters`].
    pub fn second_counters(&self, metric: &Metric) -> CounterVec {
        let made = CounterVec::new(opts(metric), metric.labels).expect(SOUND);
        self.add(made.clone());
        made
    }

    /// Gauges.
    ///
    /// # Panics
    /// As [`Exposition::counters`].
    pub fn gauges(&self, metric: &Metric) -> GaugeVec {
        let made = GaugeVec::new(opts(metric), metric.labels).expect(SOUND);
        self.add(made.clone());
        made
    }

    /// Histograms in the buckets of the table.
    ///
    /// # Panics
    /// As [`Exposition::counters`].
    pub fn histograms(&self, metric: &Metric) -> HistogramVec {
        let made = histograms(metric);
        self.add(made.clone());
        made
    }

    /// These, and those of `also`, as Prometheus reads them: by name, each with HELP and TYPE. Names must differ.
    ///
    /// # Errors
    /// The text could not be written: a fault of this program.
    pub fn text(&self, also: &Self) -> Result<String, prometheus::Error> {
        let mut families = self.registry.gather();
        families.extend(also.registry.gather());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        TextEncoder::new().encode_to_string(&families)
    }
}

/// Counters that no exposition has yet.
pub(crate) fn whole_counters(metric: &Metric) -> IntCounterVec {
    IntCounterVec::new(opts(metric), metric.labels).expect(SOUND)
}

/// Histograms that no exposition has yet.
pub(crate) fn histograms(metric: &Metric) -> HistogramVec {
    let buckets = match metric.kind {
        Kind::Histogram(buckets) => buckets.to_vec(),
        Kind::Counter | Kind::Gauge => Vec::new(),
    };
    HistogramVec::new(HistogramOpts::from(opts(metric)).buckets(buckets), metric.labels).expect(SOUND)
}

fn opts(metric: &Metric) -> Opts {
    Opts::new(metric.name, metric.help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ALL;

    #[test]
    fn every_metric_of_the_table_can_be_made_and_told() {
        let all = Exposition::default();
        for metric in ALL {
            let labels = vec!["x"; metric.labels.len()];
            match metric.kind {
                Kind::Counter => all.counters(metric).with_label_values(&labels).inc(),
                Kind::Gauge => all.gauges(metric).with_label_values(&labels).set(1.0),
                Kind::Histogram(_) => all.histograms(metric).with_label_values(&labels).observe(1.0),
            }
        }
        let text = all.text(&Exposition::default()).expect("a text");
        for metric in ALL {
            assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)), "{text}");
        }
    }
}
