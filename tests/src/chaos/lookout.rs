//! Who looks on without taking part: at `/proc`, and at the server's stream of events.

use super::{
    clock::boot_us,
    history::{Carrier, Event},
    notes::Notes,
};
use crate::rig::Hand;
use redis::streams::StreamRangeReply;
use std::{fs, time::Duration};
use tokio::time::sleep;

const VARIABLE: &[u8] = b"DAYFLY_JOB_ID=";

/// Notes every process that carries the id of a job, once a second, for as long as it is polled.
pub(super) async fn watch_processes(notes: Notes) {
    loop {
        let noting = notes.clone();
        // A few ms for hundreds of processes; not on a thread that the proxies need.
        let _done =
            tokio::task::spawn_blocking(move || carriers().iter().for_each(|carrier| noting.add(carrier))).await;
        sleep(Duration::from_secs(1)).await;
    }
}

/// Processes that carry the id of a job now.
pub(super) fn carriers() -> Vec<Carrier> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    pids.filter_map(|pid| Some(Carrier { at: boot_us(), pid, id: job_of(pid)? })).collect()
}

fn job_of(pid: i32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(VARIABLE))?;
    String::from_utf8(value.to_vec()).ok()
}

/// Notes every change of state that the stream tells, for as long as it is polled. The server may come and go.
pub(super) async fn watch_events(url: String, notes: Notes) {
    let mut last = "0-0".to_owned();
    loop {
        if let Ok(hand) = Hand::try_of(&url).await {
            while note_events(&hand, &mut last, &notes).await.is_ok() {
                sleep(Duration::from_millis(300)).await;
            }
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn note_events(hand: &Hand, last: &mut String, notes: &Notes) -> redis::RedisResult<()> {
    loop {
        let from = format!("({last}");
        let page: StreamRangeReply = hand.send(&["XRANGE", "dayfly:{0}:events", &from, "+", "COUNT", "500"]).await?;
        for entry in &page.ids {
            // Without a state it is a hint about progress.
            if let (Some(id), Some(state)) = (entry.get("id"), entry.get("state")) {
                notes.add(&Event { id, state });
            }
            last.clone_from(&entry.id);
        }
        if page.ids.len() < 500 {
            return Ok(());
        }
    }
}
