//! A proxy before a server that lets a test act at a named step of an operation: just before its request arrives, when it has
//! been done and its answer is on the way, or when the answer has been delivered.

use crate::free_port;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// A step of an operation, as the wire shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The request is on its way. The action comes before it; it arrives only if its sender is still there.
    Sent,
    /// It has been done; the answer is lost, and the connection with it.
    Done,
    /// The answer has been delivered.
    Answered,
}

struct Wire {
    function: &'static str,
    point: Point,
    act: Box<dyn FnOnce() + Send>,
    acted: oneshot::Sender<()>,
}

type Armed = Arc<Mutex<Option<Wire>>>;

/// The proxy; gone with the value.
pub struct Tripwire {
    port: u16,
    armed: Armed,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Tripwire {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tripwire").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Tripwire {
    /// Starts it before the server on `server` of loopback.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(server: u16) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        let armed = Armed::default();
        let own = Arc::clone(&armed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let armed = Arc::clone(&own);
                tokio::spawn(async move {
                    if let Ok(there) = TcpStream::connect(("127.0.0.1", server)).await {
                        // An error is the end of the connection.
                        let _ = carry(client, there, &armed).await;
                    }
                });
            }
        });
        Self { port, armed, task }
    }

    /// `redis://127.0.0.1:<its port>/0`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// With the next call of `function`, `act` is done at `point`, once. The receiver hears when it has been.
    pub fn arm(
        &self,
        function: &'static str,
        point: Point,
        act: impl FnOnce() + Send + 'static,
    ) -> oneshot::Receiver<()> {
        let (acted, hear) = oneshot::channel();
        *lock(&self.armed) = Some(Wire { function, point, act: Box::new(act), acted });
        hear
    }
}

impl Drop for Tripwire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(armed: &Armed) -> std::sync::MutexGuard<'_, Option<Wire>> {
    armed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the wire when this request trips it. Requests of Dayfly's are small: a name is never cut in two.
fn tripped(armed: &Armed, request: &[u8]) -> Option<Wire> {
    let mut armed = lock(armed);
    let name = armed.as_ref()?.function.as_bytes();
    request.windows(name.len()).any(|window| window == name).then(|| armed.take())?
}

fn act(wire: Wire) {
    (wire.act)();
    // A test that does not listen any more needs no word.
    let _ = wire.acted.send(());
}

async fn carry(mut client: TcpStream, mut there: TcpStream, armed: &Armed) -> std::io::Result<()> {
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut under_way: Option<Wire> = None;
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let bytes = &request[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if let Some(wire) = tripped(armed, bytes) {
                    match wire.point {
                        Point::Sent => {
                            act(wire);
                            // Dead, it has closed the connection: nothing of its request arrives.
                            if gone(&mut client).await {
                                return Ok(());
                            }
                        }
                        Point::Done | Point::Answered => under_way = Some(wire),
                    }
                }
                there.write_all(bytes).await?;
            }
            read = there.read(&mut answer) => {
                let bytes = &answer[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                match under_way.take() {
                    Some(wire) if wire.point == Point::Done => {
                        act(wire);
                        return Ok(());
                    }
                    wire => {
                        client.write_all(bytes).await?;
                        if let Some(wire) = wire {
                            act(wire);
                        }
                    }
                }
            }
        }
    }
}

/// Whether the other side has closed, given a moment for the kernel to say so.
async fn gone(client: &mut TcpStream) -> bool {
    let mut byte = [0];
    let closed = async { matches!(client.peek(&mut byte).await, Ok(0) | Err(_)) };
    tokio::time::timeout(std::time::Duration::from_millis(50), closed).await.unwrap_or(false)
}
