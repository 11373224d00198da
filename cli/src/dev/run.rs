//! The course of one `dayfly dev`.

use super::{
    announce::Announcement,
    child::{Line, Part},
    data::{Data, free},
    examples,
    house::{self, House},
    ready::reachable,
    server,
};
use crate::{
    api::check_address,
    args::{DevArgs, LogFormat},
    failure::Failure,
    settings::{self, Flags},
    signals::Signals,
};
use dayfly_common::{
    config::Config,
    queue::{Queue, without_password},
};
use std::{
    env,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

/// How often a port is chosen for the private server.
const PORT_TRIES: u32 = 3;

pub(crate) fn run(args: &DevArgs, log_format: LogFormat) -> Result<(), Failure> {
    let data = Data::open(&args.data)?;
    let own = settings::file(args.config.as_deref());
    let examples = own.is_none() && args.python.is_none();
    let file = match own {
        Some(file) => file,
        None if examples => examples::config(&data)?,
        None => examples::nothing(&data)?,
    };
    let config = read(args, &file)?;
    // One thread: the children must be started by the main one (see `tether`).
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::runtime(format_args!("no runtime: {why}")))?;
    runtime.block_on(Start { args, log_format, file, examples, config, data }.course())
}

fn read(args: &DevArgs, file: &Path) -> Result<Config, Failure> {
    let flags = Flags::default()
        .with("--listen", ("api", "listen"), args.listen.as_deref())
        .with("--slots", ("worker", "slots"), args.slots.as_deref())
        .with("--redis-url", ("redis", "url"), args.redis_url.as_deref())
        .with("--insecure", ("api", "insecure"), args.insecure.then_some("true"));
    settings::read_with_python(Some(file.to_path_buf()), flags, args.python.as_deref())
}

struct Start<'a> {
    args: &'a DevArgs,
    log_format: LogFormat,
    file: PathBuf,
    examples: bool,
    config: Config,
    data: Data,
}

impl Start<'_> {
    async fn course(mut self) -> Result<(), Failure> {
        let mut signals = Signals::new()?.with_hangup()?;
        self.config.api.listen = free_address(self.config.api.listen)?;
        let mut house = tokio::select! {
            house = self.build() => house?,
            () = signals.next() => return Ok(()),
        };
        let queue = Queue::new(&self.config.redis).map_err(Failure::runtime)?;
        let lived = tokio::select! {
            lived = self.live(&mut house, &queue) => lived,
            () = signals.next() => {
                eprintln!("dayfly dev: draining; Ctrl-C again ends at once (unfinished jobs go back to their queues)");
                Ok(())
            }
        };
        house.end(&mut signals).await;
        eprintln!("dayfly dev: ended; the jobs are kept in {}", self.data.path().display());
        lived
    }

    /// The server when it is to be a private one, then the API and the worker.
    async fn build(&mut self) -> Result<House, Failure> {
        let given = self.args.redis_url.is_some() || env::var_os("DAYFLY_REDIS_URL").is_some();
        let server = if given {
            None
        } else {
            let program = server::program(self.args.redis_bin.as_deref())?;
            Some(self.server(&program).await?)
        };
        let queue = Queue::new(&self.config.redis).map_err(Failure::runtime)?;
        if let Err(refused) = check_address(&self.config, &queue).await {
            house::end_server(server).await;
            return Err(refused);
        }
        let state_dir = self.data.folder("worker")?.display().to_string();
        let api = self.line("api", &[("DAYFLY_API_INSECURE", self.config.api.insecure.to_string())])?;
        let mut worker = self.line("worker", &[("DAYFLY_WORKER_STATE_DIR", state_dir)])?;
        if let Some(module) = &self.args.python {
            worker.args.extend(["--python".to_owned(), module.clone()]);
        }
        House::start(server, api, worker, &self.config)
    }

    /// The private server, on another port when somebody took the chosen one before the server did.
    async fn server(&mut self, program: &Path) -> Result<Part, Failure> {
        let mut tries = PORT_TRIES;
        loop {
            let port = self.data.port()?;
            self.config.redis.url = format!("redis://127.0.0.1:{port}/0");
            let started = house::start_server(server::line(program, port, &self.data)?, port).await;
            tries -= 1;
            if started.is_ok() || tries == 0 || free(port) {
                return started;
            }
        }
    }

    /// `dayfly <name>` with what differs from the file in its environment: a URL on a command line would show its
    /// password to every user of the host.
    fn line(&self, name: &str, more: &[(&'static str, String)]) -> Result<Line, Failure> {
        let program = env::current_exe()
            .map_err(|why| Failure::runtime(format_args!("this program's own path is unknown: {why}")))?;
        let file = self.file.display().to_string();
        let args = [name, "--config", &file, "--log-format", self.log_format.word()].map(str::to_owned).to_vec();
        let mut env = vec![
            ("DAYFLY_REDIS_URL", self.config.redis.url.clone()),
            ("DAYFLY_API_LISTEN", self.config.api.listen.to_string()),
            ("DAYFLY_WORKER_SLOTS", self.config.worker.slots.to_string()),
        ];
        env.extend_from_slice(more);
        Ok(Line { program, args, env, log: None })
    }

    /// Ready, announced, and kept.
    async fn live(&mut self, house: &mut House, queue: &Queue) -> Result<(), Failure> {
        house.ready(&self.config, queue).await?;
        let scheme = if self.config.api.listener.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", reachable(self.config.api.listen));
        self.data.sign(&url);
        let redis =
            match self.config.redis.url.strip_prefix("redis://127.0.0.1:").and_then(|rest| rest.strip_suffix("/0")) {
                Some(port) => format!("redis-cli -p {port}"),
                None => format!("redis-cli -u {}", without_password(&self.config.redis.url)),
            };
        let text = Announcement {
            url: &url,
            redis: &redis,
            data: self.data.path(),
            config: &self.config,
            file: &self.file,
            examples: self.examples,
        }
        .text();
        // Whoever closed our output does not want to read it.
        drop(writeln!(std::io::stdout(), "{text}"));
        Err(house.keep().await)
    }
}

/// The address, once it has been seen to be free; with port 0, a free one. The API binds it again a moment later; a busy
/// one is told here, before anything is started.
fn free_address(address: SocketAddr) -> Result<SocketAddr, Failure> {
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .map_err(|why| Failure::runtime(format_args!("cannot listen on {address}: {why}")))
}
