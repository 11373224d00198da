//! When the house is ready: the API says so, and the worker has shown itself.

use dayfly_common::queue::Queue;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const PROBE_BOUND: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(25);
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a client on this host reaches an address that may mean all of them.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// Waits for both; says so when it takes long. Never ends by itself otherwise.
pub(super) async fn ready(api: SocketAddr, tls: bool, queue: &Queue, worker_pid: Option<u32>) {
    let both = async {
        while !api_is_ready(api, tls).await {
            tokio::time::sleep(PAUSE).await;
        }
        while !worker_is_there(queue, worker_pid).await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::pin!(both);
    while timeout(PATIENCE, &mut both).await.is_err() {
        eprintln!("dayfly dev: still waiting for the API and the worker to be ready");
    }
}

/// `GET /readyz` answers 200. Of an API that speaks TLS only that it listens: that it works with its certificate is
/// known by then, that the server answers too.
async fn api_is_ready(api: SocketAddr, tls: bool) -> bool {
    let probe = async {
        let mut stream = TcpStream::connect(api).await.ok()?;
        if tls {
            return Some(());
        }
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut status = [0_u8; 12];
        stream.read_exact(&mut status).await.ok()?;
        (&status == b"HTTP/1.1 200").then_some(())
    };
    matches!(timeout(PROBE_BOUND, probe).await, Ok(Some(())))
}

/// The worker with this pid has beaten; the presence of one that was killed a moment ago is not taken for it.
async fn worker_is_there(queue: &Queue, pid: Option<u32>) -> bool {
    let workers = timeout(PROBE_BOUND, queue.workers()).await;
    matches!(workers, Ok(Ok(all)) if all.iter().any(|worker| Some(worker.presence.pid) == pid))
}
