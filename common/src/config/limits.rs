//! What one job of a task may use, and as whom it runs.

use super::{Faults, section::Section, value::Raw};
use crate::model::Limits;

/// Limits and identity of a task.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) limits: Limits,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) no_new_privs: bool,
}

pub(super) fn read(section: &mut Section<'_>, faults: &mut Faults) -> Bounds {
    let limits = Limits {
        memory: some(section, faults, "memory", |raw| at_least_one(raw.size()?)),
        cpu_time_ms: some(section, faults, "cpu_time", |raw| at_least_one(raw.duration()?)),
        cpus_milli: some(section, faults, "cpus", cpus),
        nofile: some(section, faults, "nofile", |raw| count(raw, 8..=1 << 20)),
        nproc: some(section, faults, "nproc", |raw| count(raw, 1..=1 << 22)),
        fsize: some(section, faults, "fsize", Raw::size),
        nice: some(section, faults, "nice", |raw| {
            raw.integer(&(-20..=19)).and_then(|nice| i32::try_from(nice).map_err(|why| why.to_string()))
        }),
    };
    let name = |raw: Raw<'_>| raw.word().map(str::to_owned);
    Bounds {
        limits,
        user: some(section, faults, "user", name),
        group: some(section, faults, "group", name),
        no_new_privs: section.read_or("no_new_privs", faults, true, Raw::boolean),
    }
}

fn some<'a, T>(
    section: &mut Section<'a>,
    faults: &mut Faults,
    key: &'static str,
    parse: impl Fn(Raw<'a>) -> Result<T, String>,
) -> Option<T> {
    section.read(key, faults, parse).map(|placed| placed.value)
}

pub(super) fn at_least_one(value: u64) -> Result<u64, String> {
    if value > 0 { Ok(value) } else { Err("must be more than nothing".to_owned()) }
}

fn count(raw: Raw<'_>, range: std::ops::RangeInclusive<i64>) -> Result<u64, String> {
    raw.integer(&range).and_then(|number| u64::try_from(number).map_err(|why| why.to_string()))
}

/// Thousandths of a CPU; at least one, at most 1,024 CPUs.
fn cpus(raw: Raw<'_>) -> Result<u64, String> {
    let milli = (raw.fraction()? * 1_000.0).round();
    if (1.0..=1_024_000.0).contains(&milli) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 1 to 1,024,000")]
        Ok(milli as u64)
    } else {
        Err("must be from 0.001 to 1024".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;
    use toml::de::DeTable;

    fn bounds(text: &str) -> (Bounds, String) {
        let table = DeTable::parse(text).unwrap().into_inner();
        let mut faults = Faults::default();
        let mut section = Section::new("tasks.t".to_owned(), Some(&table), None, Place::Nowhere);
        let bounds = read(&mut section, &mut faults);
        (bounds, faults.to_string())
    }

    #[test]
    fn limits_are_read_into_plain_numbers() {
        let text = "memory = \"256MiB\"\ncpu_time = \"30s\"\ncpus = 1.5\nnofile = 64\nnproc = 32\nfsize = \"1GiB\"\nnice = 5\n\
                    user = \"nobody\"\ngroup = \"nogroup\"\nno_new_privs = false\n";
        let (bounds, faults) = bounds(text);
        assert_eq!(faults, "");
        let expected = Limits {
            memory: Some(256 << 20),
            cpu_time_ms: Some(30_000),
            cpus_milli: Some(1_500),
            nofile: Some(64),
            nproc: Some(32),
            fsize: Some(1 << 30),
            nice: Some(5),
        };
        assert_eq!(bounds.limits, expected);
        let identity = (bounds.user.as_deref(), bounds.group.as_deref(), bounds.no_new_privs);
        assert_eq!(identity, (Some("nobody"), Some("nogroup"), false));
    }

    #[test]
    fn limits_that_allow_nothing_are_faults() {
        for text in
            ["memory = \"0B\"", "memory = 5", "cpus = 0", "cpus = \"2\"", "nofile = 0", "nice = 20", "user = \"\""]
        {
            assert_eq!(bounds(text).1.lines().count(), 1, "{text}");
        }
    }
}
