//! What this worker holds: every claim from its making until its end is written, so that heartbeats renew it all the while.

use crate::{memory::Share, process::BootTime};
use dayfly_common::{
    model::{Fence, JobId, Nonce},
    queue::Held,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// What the heartbeat tells the task that runs a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The lease holds until then.
    Renew(BootTime),
    /// It may not hold for longer than that.
    Shorten(BootTime),
    /// Somebody asked for its end; a shorter grace may apply, ms.
    Cancel { grace_ms: Option<u64> },
    /// The attempt is no longer ours: end it at once and report nothing.
    Lost,
}

struct Entry {
    id: JobId,
    fence: Fence,
    orders: mpsc::UnboundedSender<Order>,
    /// `None` once its processes are gone.
    memory: Option<Share>,
}

/// The claims held now, by nonce: a job may be claimed again here while its former attempt's end is still on its way.
#[derive(Default)]
pub(crate) struct HeldClaims {
    entries: Mutex<HashMap<Nonce, Entry>>,
}

impl HeldClaims {
    fn lock(&self) -> MutexGuard<'_, HashMap<Nonce, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a claim and the memory its task declares; the receiver hears its orders.
    pub(crate) fn add(&self, id: JobId, fence: &Fence, memory: Share) -> mpsc::UnboundedReceiver<Order> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let entry = Entry { id, fence: fence.clone(), orders, memory: Some(memory) };
        self.lock().insert(fence.nonce.clone(), entry);
        receiver
    }

    /// Takes a claim's memory out: its processes are gone, only its end is still to be written.
    pub(crate) fn take_memory(&self, nonce: &Nonce) -> Option<Share> {
        self.lock().get_mut(nonce)?.memory.take()
    }

    /// The memory of all that is held, bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.lock().values().filter_map(|entry| entry.memory.as_ref()).map(Share::bytes).sum()
    }

    /// Takes a claim out: its end is written, or it is no longer ours.
    pub(crate) fn remove(&self, nonce: &Nonce) {
        self.lock().remove(nonce);
    }

    /// Everything held, for a heartbeat.
    pub(crate) fn all(&self) -> Vec<Held> {
        self.lock().values().map(|entry| Held { id: entry.id, fence: entry.fence.clone() }).collect()
    }

    /// Whether a job is held.
    pub(crate) fn has(&self, id: JobId) -> bool {
        self.lock().values().any(|entry| entry.id == id)
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Passes an order on to all.
    pub(crate) fn order_all(&self, order: Order) {
        for entry in self.lock().values() {
            // As below.
            let _ended = entry.orders.send(order);
        }
    }

    /// Passes an order on; of no effect when the claim has gone.
    pub(crate) fn order(&self, nonce: &Nonce, order: Order) {
        if let Some(entry) = self.lock().get(nonce) {
            // A closed channel: the job has ended and only its report is still under way.
            let _ended = entry.orders.send(order);
        }
    }
}
