//! The `dayfly` program.
//!
//! ```text
//!   main -> api      one HTTP daemon
//!        -> worker   one worker daemon (and, below it, the supervisor that it starts from this same program)
//!        -> tokens   makes, lists and revokes the API's tokens
//!        -> doctor   looks at server, host and tasks, and runs a trial
//!        -> client   the commands that ask an API over HTTP: run, submit, get, ls, cancel ..
//!        -> dev      a private server, an API and a worker as children of one process in a terminal
//! ```
//!
//! Only this crate reads configuration, handles signals and decides exit codes: 0 drained, 1 a fault at run time, 2 bad
//! configuration or usage; those of client commands are in `client::Exit`.

mod api;
mod args;
mod catalogue;
mod client;
mod descriptors;
mod dev;
mod doctor;
mod failure;
mod launch;
mod logs;
mod rest;
mod settings;
mod signals;
mod tether;
mod tokens;
mod worker;

use args::{Args, Command};
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a supervisor forks, so nothing may have made a thread or opened a file.
    if std::env::args_os().nth(1).is_some_and(|word| word == "supervisor") {
        dayfly_worker::process::supervisor_main();
    }
    let args = Args::parse();
    // A doctor's findings are what is to be read, not the lines of its trial's worker.
    let usual = if matches!(args.command, Command::Doctor(_)) { "error" } else { "info" };
    let done = logs::start(args.log_format, usual).and_then(|()| match &args.command {
        Command::Dev(dev) => dev::run(dev, args.log_format),
        Command::Api(api) => api::run(api),
        Command::Worker(worker) => worker::run(worker),
        Command::Tokens(tokens) => tokens::run(tokens),
        Command::Doctor(doctor) => doctor::run(doctor),
        Command::Rest(rest) => rest::run(rest),
        Command::Client(command) => client::run(command),
        Command::Tether(tether) => Err(tether::run(tether)),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.say();
            failure.code()
        }
    }
}
