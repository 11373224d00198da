//! `dayfly tether` (hidden): becomes another program, which the kernel kills when its parent dies.
//!
//! `dayfly dev` starts its children this way, so that a killed one leaves nothing behind; the server is not ours to
//! change, and `PR_SET_PDEATHSIG` survives exec. The signal comes when the *thread* that started the child ends, so the
//! parent starts children from its main thread only.

use crate::{args::TetherArgs, failure::Failure};
use nix::{
    sys::{prctl::set_pdeathsig, signal::Signal},
    unistd::getppid,
};
use std::{os::unix::process::CommandExt as _, process::Command};

/// Only returns when it did not become the program.
pub(crate) fn run(args: &TetherArgs) -> Failure {
    if let Err(why) = set_pdeathsig(Signal::SIGKILL) {
        return Failure::runtime(format_args!("PR_SET_PDEATHSIG failed: {why}"));
    }
    if getppid().as_raw() != args.parent {
        return Failure::runtime("the parent has gone");
    }
    let Some((program, arguments)) = args.command.split_first() else { return Failure::usage("no program") };
    let why = Command::new(program).args(arguments).exec();
    Failure::runtime(format_args!("{} cannot be started: {why}", program.display()))
}
