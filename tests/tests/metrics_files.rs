//! What operators load into Prometheus and Grafana speaks of metrics that exist, with labels that they have; docs/metrics.md has
//! them all.

use dayfly_common::metrics::{ALL, Kind, Metric};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Of PromQL, and of the rules and the dashboard themselves.
const WORDS: [&str; 4] = ["le", "datasource", "instance", "job"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The metric that a name in an expression stands for.
fn metric(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| match metric.kind {
        Kind::Counter | Kind::Gauge => metric.name == name,
        Kind::Histogram(_) => {
            ["_bucket", "_sum", "_count"].into_iter().any(|suffix| name.strip_suffix(suffix) == Some(metric.name))
        }
    })
}

/// Checks an expression; gives the metrics it has.
fn check(expression: &str) -> BTreeSet<&'static str> {
    let mut found = Vec::new();
    for word in expression.split(|letter| !is_word(letter)).filter(|word| word.starts_with("dayfly_")) {
        found.push(metric(word).unwrap_or_else(|| panic!("no metric `{word}`: {expression}")));
    }
    assert!(!found.is_empty(), "nothing of Dayfly's in {expression}");
    let known: BTreeSet<&str> = found.iter().flat_map(|metric| metric.labels.iter().copied()).chain(WORDS).collect();
    // Labels stand in braces before = or !=, and in the lists of `by (..)`.
    for part in expression.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        for label in part.split(',').filter_map(|pair| pair.split(['=', '!']).next()).map(str::trim) {
            assert!(label.is_empty() || known.contains(label), "no label `{label}`: {expression}");
        }
    }
    for list in expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next()) {
        for label in list.split(',').map(str::trim) {
            assert!(known.contains(label), "no label `{label}`: {expression}");
        }
    }
    let open = |letter| expression.matches(letter).count();
    assert_eq!((open('('), open('{'), open('[')), (open(')'), open('}'), open(']')), "{expression}");
    found.into_iter().map(|metric| metric.name).collect()
}

/// The labels that a legend or a summary names.
fn check_template(template: &str, expression: &str) {
    for label in template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
        let label = label.trim().trim_start_matches("$labels.");
        assert!(expression.contains(label), "`{label}` of `{template}` is not in {expression}");
    }
}

#[test]
fn the_dashboard_shows_what_there_is() {
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/dayfly.json")).expect("JSON");
    let mut shown = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64()), "{panel}");
        for target in panel["targets"].as_array().expect("targets") {
            let expression = target["expr"].as_str().expect("an expression");
            shown.extend(check(&expression.replace("$__rate_interval", "5m")));
            check_template(target["legendFormat"].as_str().expect("a legend"), expression);
        }
    }
    let all: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(shown, all, "all of them are shown");
    let variables = dashboard["templating"]["list"].to_string();
    assert!(variables.contains("label_values(dayfly_jobs, task)"));
}

#[test]
fn alerts_are_on_what_there_is_and_name_their_page() {
    let rules = text("deploy/prometheus/alerts.yml");
    let mut alerts = 0;
    for rule in rules.split("- alert: ").skip(1) {
        alerts += 1;
        let name = rule.lines().next().expect("a name");
        let expression = expression(rule);
        check(&expression);
        let field = |field: &str| {
            let line = rule.lines().map(str::trim).find_map(|line| line.strip_prefix(field)).map(str::trim);
            line.unwrap_or_else(|| panic!("{name} has no {field}"))
        };
        check_template(field("summary:"), &expression);
        let page = text(field("runbook:"));
        assert!(page.contains(&format!("`{name}`")), "{} speaks of {name}", field("runbook:"));
        assert!(["critical}", "warning}", "info}"].iter().any(|level| field("labels: {severity:") == *level), "{name}");
    }
    assert!(alerts >= 10, "{alerts}");
}

/// On its line, or folded over the deeper ones that follow.
fn expression(rule: &str) -> String {
    let mut lines = rule.lines().skip_while(|line| !line.trim_start().starts_with("expr:"));
    let first = lines.next().expect("an expression");
    let own = first.trim_start().trim_start_matches("expr:").trim();
    if own != ">-" {
        return own.to_owned();
    }
    let depth = |line: &str| line.len() - line.trim_start().len();
    lines.take_while(|line| depth(line) > depth(first)).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_has_a_row_for_each() {
    let page = text("docs/metrics.md");
    let rows: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `dayfly_")?.split('`').next()).collect();
    for metric in ALL {
        let labels = if metric.labels.is_empty() { String::new() } else { format!("{{{}}}", metric.labels.join(",")) };
        let row = format!("{}{labels}", metric.name.trim_start_matches("dayfly_"));
        assert!(rows.contains(row.as_str()), "no row for `{}{labels}`", metric.name);
    }
    assert_eq!(rows.len(), ALL.len(), "{rows:?}");
}
