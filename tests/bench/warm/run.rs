//! All ways, round by round, and the table of what they came to.

use super::{
    dayfly::Dayfly,
    options::Options,
    other::{LOADED, Other, PLAIN},
    quiet::{load, quiet},
    way::Way,
};
use crate::{
    figures::{Figures, median, quantile},
    install::{Installed, Scripts},
    limits,
};
use anyhow::Result;
use std::{collections::HashMap, time::Duration};

/// How long a limit is measured in a round.
const LIMIT: Duration = Duration::from_secs(1);
/// Jobs one after another in a round.
const WARM_SAMPLES: usize = 300;
const CLIENT_SAMPLES: usize = 100;
const COLD_SAMPLES: usize = 10;

/// Milliseconds from a submit to the function's first line, and to its result.
#[derive(Default)]
struct Latency {
    started: Vec<f64>,
    answered: Vec<f64>,
}

impl Latency {
    fn add(&mut self, (started, answered): (Vec<f64>, Vec<f64>)) {
        self.started.extend(started);
        self.answered.extend(answered);
    }
}

struct Bench {
    dayfly: Dayfly,
    other: Other,
    cores: usize,
    jobs: usize,
}

pub(crate) async fn run(options: &Options) -> Result<Figures> {
    let cores = std::thread::available_parallelism()?.get();
    let slots = options.slots.unwrap_or(u32::try_from(cores * 2)?);
    let installed = Installed::get(Scripts::Warm)?;
    let before = quiet(Duration::from_secs(options.patience)).await?;
    let mut figures = Figures::new(cores, slots);
    let other = Other::start(&installed, slots)?;
    let mut bench = Bench { dayfly: Dayfly::start(&installed, slots).await?, other, cores, jobs: options.jobs };
    let (mut warm, mut cold, mut client) = (Latency::default(), Latency::default(), Latency::default());
    let mut rates: HashMap<&str, Vec<f64>> = HashMap::new();
    for round in 0..options.rounds {
        let mut ways = Way::ALL;
        ways.rotate_left(round * 3 % Way::ALL.len());
        for way in ways {
            let rate = bench.rate(way).await?;
            eprintln!("round {}, {}: {rate:.1} /s", round + 1, way.name());
            rates.entry(way.name()).or_default().push(rate);
        }
        warm.add(bench.dayfly.latencies("warm", WARM_SAMPLES).await?);
        client.add(bench.other.latencies(bench.dayfly.url(), "warm", CLIENT_SAMPLES)?);
        bench.dayfly.others("warm", CLIENT_SAMPLES);
        cold.add(bench.dayfly.latencies("cold", COLD_SAMPLES).await?);
    }
    for name in ["numpy", "pandas", "rq"] {
        figures.note(format!("{name} {}", Scripts::Warm.version(name)?));
    }
    figures.note(installed.python()?);
    figures.note(format!("{} rounds", options.rounds));
    figures.note(format!("load average {before:.2} before, {:.2} after with the bench's own", load()?));
    show_latencies(&mut figures, &mut warm, &mut cold, &mut client);
    let own = rates.get(Way::Warm.name()).cloned().unwrap_or_default();
    for way in Way::ALL {
        let Some(all) = rates.get_mut(way.name()) else { continue };
        let mut ratios: Vec<f64> = own.iter().zip(all.iter()).map(|(warm, rate)| warm / rate).collect();
        let beside = format!("{}; warm is {:.2} x that", way.beside(), median(&mut ratios));
        let beside = if way == Way::Warm { way.beside().to_owned() } else { beside };
        figures.add(way.name(), median(all), "/s", beside);
    }
    let memory = bench.dayfly.memory()?;
    let mut shared: Vec<f64> = memory.iter().map(|one| one.proportional).collect();
    let mut alone: Vec<f64> = memory.iter().map(|one| one.resident).collect();
    let beside = format!("with its waiting child; shares what {slots} hosts have in common");
    figures.add("memory of a host, PSS", median(&mut shared), "MiB", beside);
    figures.add("memory of a host, RSS", median(&mut alone), "MiB", "as if nothing were shared");
    Ok(figures)
}

fn show_latencies(figures: &mut Figures, warm: &mut Latency, cold: &mut Latency, client: &mut Latency) {
    let times = median(&mut cold.started) / median(&mut warm.started);
    let mut show = |name, values: &mut [f64], share, beside: &str| {
        figures.add(name, quantile(values, share), "ms", beside);
    };
    let first = "POST sent -> first line of the function; aim < 5";
    show("warm: submit to function p50", &mut warm.started, 0.50, first);
    show("warm: submit to function p99", &mut warm.started, 0.99, "aim < 15");
    show("warm: submit to result p50", &mut warm.answered, 0.50, "one request with `Prefer: wait`");
    show("warm: submit to result p99", &mut warm.answered, 0.99, "");
    show("warm, by `Client`: submit to function p50", &mut client.started, 0.50, "the Python package");
    show("warm, by `Client`: submit to result p50", &mut client.answered, 0.50, "two requests");
    show("cold: submit to function p50", &mut cold.started, 0.50, "numpy and pandas are loaded by each job");
    figures.add("cold beside warm", times, "x", "submit to function, p50; aim >= 20");
}

impl Bench {
    /// Jobs a second; of a limit, processes a second.
    async fn rate(&mut self, way: Way) -> Result<f64> {
        let (cores, count) = (self.cores, way.jobs(self.jobs));
        let seconds = match way {
            Way::Spawn => {
                let task = move || limits::bare_spawns("/bin/true", cores, LIMIT);
                return tokio::task::spawn_blocking(task).await?;
            }
            Way::Fork => return self.other.forks(cores, LIMIT.as_secs_f64()),
            Way::Warm => self.dayfly.seconds("warm", count).await?,
            Way::Cold => self.dayfly.seconds("cold", count).await?,
            Way::ColdBare => self.dayfly.seconds("bare", count).await?,
            Way::ForkOfParent => self.other.multiprocessing("fork", count)?,
            Way::Forkserver => self.other.multiprocessing("forkserver", count)?,
            Way::Pool => self.other.pool(count)?,
            Way::RqLoaded => self.other.rq(LOADED, count)?,
            Way::Rq => self.other.rq(PLAIN, count)?,
        };
        Ok(count as f64 / seconds)
    }
}
