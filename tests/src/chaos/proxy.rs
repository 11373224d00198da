//! A TCP proxy that can do to a connection what networks do.
//!
//! One stands between each daemon and the server. What a weather does to bytes is decided chunk by chunk, so a change takes
//! effect at once, on open connections too. TCP never loses a part of a stream and delivers the rest: a connection of which
//! bytes were swallowed stays mute, and is reset when the weather changes.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    /// Bytes go through.
    #[default]
    Fair,
    /// Every chunk takes so much longer, each way.
    Slow(Duration),
    /// Half-open: connections stay, bytes of these ways are gone.
    Swallow {
        /// Towards the server.
        requests: bool,
        /// Back from it.
        replies: bool,
    },
    /// Requests wait, and arrive when this is over, even if their sender has long gone.
    Held,
    /// Requests arrive; with the first reply the connection is reset, and the reply is gone.
    NoReplies,
    /// Nobody listens, and open connections are reset.
    Refused,
}

#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    weather: Weather,
    /// Connections older than this number of resets are reset.
    resets: u64,
}

/// A proxy in front of one server; gone with the value.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    orders: watch::Sender<Orders>,
    carried: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Listens on `port` of loopback and passes on to `server` there.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn start(port: u16, server: u16) -> io::Result<Self> {
        let listener = listen(port).await?;
        let (orders, seen) = watch::channel(Orders::default());
        let carried = Arc::new(AtomicU64::new(0));
        let serving = Door { port, server: SocketAddr::from(([127, 0, 0, 1], server)), carried: Arc::clone(&carried) };
        Ok(Self { port, orders, carried, listening: tokio::spawn(serving.serve(listener, seen)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections so far.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        self.orders.send_modify(|orders| {
            orders.weather = weather;
            if weather == Weather::Refused {
                orders.resets += 1;
            }
        });
    }

    /// Resets all open connections.
    pub fn reset(&self) {
        self.orders.send_modify(|orders| orders.resets += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A port that was just given up may take a moment to be free again.
async fn listen(port: u16) -> io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(_) if tries < 100 => {
                tries += 1;
                sleep(Duration::from_millis(20)).await;
            }
            done => return done,
        }
    }
}

struct Door {
    port: u16,
    server: SocketAddr,
    carried: Arc<AtomicU64>,
}

impl Door {
    async fn serve(self, listener: TcpListener, mut orders: watch::Receiver<Orders>) {
        let mut open = JoinSet::new();
        let mut listener = Some(listener);
        loop {
            if orders.borrow_and_update().weather == Weather::Refused {
                listener = None;
            } else if listener.is_none() {
                listener = listen(self.port).await.ok();
            }
            tokio::select! {
                Some(Ok((client, _))) = async { Some(listener.as_ref()?.accept().await) } => {
                    self.carried.fetch_add(1, Ordering::Relaxed);
                    open.spawn(carry(client, self.server, orders.clone()));
                }
                changed = orders.changed() => if changed.is_err() { return },
                Some(_) = open.join_next() => {}
            }
        }
    }
}

/// One connection, from its first byte to its end.
async fn carry(mut client: TcpStream, server: SocketAddr, orders: watch::Receiver<Orders>) {
    let since = orders.borrow().resets;
    let Ok(mut server) = TcpStream::connect(server).await else { return drop(client.set_zero_linger()) };
    // Small commands must not wait for each other.
    let _best_effort = (client.set_nodelay(true), server.set_nodelay(true));
    let muted = AtomicBool::new(false);
    let whole = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let requests = Pump { way: Way::Request, orders: orders.clone(), muted: &muted };
        let replies = Pump { way: Way::Reply, orders: orders.clone(), muted: &muted };
        tokio::select! {
            both = async { tokio::try_join!(requests.run(from_client, to_server), replies.run(from_server, to_client)) } => both.is_ok(),
            () = until_reset(orders, since, &muted) => false,
        }
    };
    if !whole {
        // Dropped with this set, they end by RST.
        let _gone = (client.set_zero_linger(), server.set_zero_linger());
    }
}

async fn until_reset(mut orders: watch::Receiver<Orders>, since: u64, muted: &AtomicBool) {
    while orders.borrow_and_update().resets == since {
        // The proxy has gone: so has everything.
        if orders.changed().await.is_err() || muted.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Reply,
}

/// What becomes of a chunk.
enum Fate {
    Pass,
    Late(Duration),
    Gone,
    Wait,
    Break,
}

struct Pump<'a> {
    way: Way,
    orders: watch::Receiver<Orders>,
    muted: &'a AtomicBool,
}

impl Pump<'_> {
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        let mut mute = false;
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return to.shutdown().await;
            }
            loop {
                match self.fate() {
                    Fate::Gone => {
                        mute = true;
                        self.muted.store(true, Ordering::Relaxed);
                        break;
                    }
                    Fate::Wait => self.orders.changed().await.map_err(io::Error::other)?,
                    Fate::Break => return Err(io::ErrorKind::ConnectionReset.into()),
                    Fate::Late(by) => {
                        sleep(by).await;
                        break;
                    }
                    Fate::Pass => break,
                }
            }
            if !mute {
                to.write_all(&buffer[..length]).await?;
            }
        }
    }

    fn fate(&mut self) -> Fate {
        match (self.orders.borrow_and_update().weather, self.way) {
            (Weather::Slow(by), _) => Fate::Late(by),
            (Weather::Swallow { requests: true, .. }, Way::Request)
            | (Weather::Swallow { replies: true, .. }, Way::Reply) => Fate::Gone,
            (Weather::Held, Way::Request) => Fate::Wait,
            (Weather::NoReplies, Way::Reply) => Fate::Break,
            (Weather::Refused, _) => Fate::Break,
            (Weather::Fair | Weather::Swallow { .. } | Weather::Held | Weather::NoReplies, _) => Fate::Pass,
        }
    }
}
