//! A program that does nothing for a time: the job of `dayfly doctor`'s trial, for a host may lack `sleep`.

use crate::{args::RestArgs, failure::Failure};
use std::{thread, time::Duration};

pub(crate) fn run(args: &RestArgs) -> Result<(), Failure> {
    thread::sleep(Duration::from_millis(args.ms));
    println!("null");
    Ok(())
}
