//! The judge of the chaos run finds nothing in a history that keeps all promises, and finds every seeded bug by the promise
//! that it breaks.

use dayfly_tests::chaos::{
    BUGS, Budget, ClientNote, Dump, Event, History, Invariant, JobNote, Record, Terms, Violation, Witnessed, check,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a made-up history is made of. Its server's clock is `CLOCK_BOOTTIME` itself.
#[derive(Default)]
struct Story {
    history: History,
    at: u64,
}

impl Story {
    fn now(&mut self) -> u64 {
        self.at += 10_000;
        self.at
    }

    /// Submitted and acknowledged.
    fn submitted(&mut self, id: &str) {
        let (at, key) = (self.now(), format!("key-of-{id}"));
        self.history.clients.push(ClientNote::Sent { at, key: key.clone() });
        self.history.clients.push(ClientNote::Acked { at: at + 1, key, id: id.to_owned() });
        self.event(id, "queued");
    }

    fn event(&mut self, id: &str, state: &str) {
        self.history.events.push(Event { id: id.to_owned(), state: state.to_owned() });
    }

    fn ran(&mut self, id: &str, attempt: u64, code: Option<i32>) -> String {
        let fence = format!("{attempt}-{attempt:016x}");
        let mut note = |what, at, code| {
            let (id, fence) = (id.to_owned(), fence.clone());
            self.history.jobs.push(JobNote { what, at, id, fence, attempt, code, holder: None });
        };
        note(Witnessed::Start, self.at + 1_000, None);
        note(Witnessed::Alive, self.at + 2_000, None);
        if code.is_some() {
            note(Witnessed::End, self.at + 3_000, code);
        }
        self.now();
        self.event(id, "running");
        fence
    }

    fn ended(&mut self, id: &str, task: &str, state: &str, fields: &[(&str, String)], attempts: Vec<Value>) {
        let at = self.now();
        let mut record = Record { attempts, ..Record::default() };
        let mut set = |name: &str, value: String| drop(record.fields.insert(name.to_owned(), value));
        set("state", state.to_owned());
        set("task", task.to_owned());
        set("finished_at", (at / 1_000).to_string());
        fields.iter().for_each(|(name, value)| set(name, value.clone()));
        let result = json!({ "id": id, "fence": record.field("fence") });
        if state == "succeeded" {
            record.result = Some(result.to_string());
        }
        self.event(id, state);
        let shown = (state == "succeeded").then_some(result);
        for _ in 0..2 {
            let (at, id, state) = (self.now(), id.to_owned(), state.to_owned());
            let seen = ClientNote::Seen { at, id, state, finished_at: Some("then".to_owned()), result: shown.clone() };
            self.history.clients.push(seen);
        }
        let dump = &mut self.history.dump;
        dump.indexes.entry(format!("finished:{state}")).or_default().insert(id.to_owned());
        *dump.counts.entry(format!("{task}:{state}")).or_default() += 1;
        dump.records.insert(id.to_owned(), record);
    }
}

/// Every way for a job to end that a run has.
fn clean() -> History {
    let mut story = Story { at: 1_000_000, ..Story::default() };
    let outcomes = |all: &[&str]| all.iter().map(|outcome| json!({ "outcome": outcome })).collect::<Vec<_>>();
    let of = |attempt: u64, fence: &str| vec![("attempt", attempt.to_string()), ("fence", fence.to_owned())];

    for id in ["a", "b"] {
        story.submitted(id);
        let fence = story.ran(id, 1, Some(0));
        story.ended(id, "work", "succeeded", &of(1, &fence), outcomes(&["succeeded"]));
    }
    story.submitted("twice");
    story.ran("twice", 1, None);
    let fence = story.ran("twice", 2, Some(0));
    let fields = [of(2, &fence), vec![("lost", "1".to_owned())]].concat();
    story.ended("twice", "work", "succeeded", &fields, outcomes(&["lost", "succeeded"]));

    story.submitted("retried");
    for attempt in 1..3 {
        story.ran("retried", attempt, Some(75));
        story.event("retried", "scheduled");
    }
    let fence = story.ran("retried", 3, Some(75));
    let error = json!({ "kind": "exit_code", "exit_code": 75 }).to_string();
    let fields = [of(3, &fence), vec![("failures", "3".to_owned()), ("error", error)]].concat();
    story.ended("retried", "again", "failed", &fields, outcomes(&["failed", "failed", "failed"]));

    story.submitted("once");
    let fence = story.ran("once", 1, None);
    let error = json!({ "kind": "lost" }).to_string();
    let fields = [of(1, &fence), vec![("lost", "1".to_owned()), ("error", error)]].concat();
    story.ended("once", "once", "failed", &fields, outcomes(&["lost"]));

    story.submitted("hung");
    let fence = story.ran("hung", 1, None);
    let error = json!({ "kind": "timeout" }).to_string();
    story.ended("hung", "work", "failed", &[of(1, &fence), vec![("error", error)]].concat(), outcomes(&["failed"]));

    story.submitted("cancelled");
    let at = story.now();
    story.history.clients.push(ClientNote::CancelSent { at, id: "cancelled".to_owned() });
    let (id, state) = ("cancelled".to_owned(), "cancelled".to_owned());
    story.history.clients.push(ClientNote::CancelAcked { at: at + 1, id, status: 200, state });
    story.ended("cancelled", "work", "cancelled", &[], Vec::new());

    let code = Some("redis_unavailable".to_owned());
    let (call, about) = ("submit".to_owned(), "key-of-a".to_owned());
    story.history.clients.push(ClientNote::Refused { at: 1, call, about, status: 503, code });
    let task = |name: &str, retries, lost_retries| (name.to_owned(), Budget { retries, lost_retries });
    let budgets = BTreeMap::from([task("work", 0, 2), task("again", 2, 2), task("once", 0, 0)]);
    story.history.terms = Terms { drain: 9_000_000, budgets, healed_at: story.at, epoch: 0 };
    story.history
}

fn broken(found: &[Violation]) -> BTreeSet<Invariant> {
    found.iter().map(|violation| violation.invariant).collect()
}

#[test]
fn a_history_that_keeps_all_promises_passes() {
    assert_eq!(check(&clean()), Vec::new());
    assert_eq!(check(&History { dump: Dump::default(), ..History::default() }), Vec::new());
}

#[test]
fn every_seeded_bug_is_caught_by_the_promise_it_breaks() {
    for bug in BUGS {
        let mut history = clean();
        (bug.plant)(&mut history).unwrap_or_else(|| panic!("{}: no job to plant it in", bug.name));
        let found = check(&history);
        assert_eq!(broken(&found), BTreeSet::from([bug.breaks]), "{}: {found:#?}", bug.name);
    }
}

#[test]
fn every_promise_has_a_bug() {
    let promises: BTreeSet<Invariant> = BUGS.iter().map(|bug| bug.breaks).collect();
    assert_eq!(promises.len(), 10, "{promises:?}");
}
