//! `tracker-leash PARENT PROGRAM ARGUMENTS…`: becomes PROGRAM, which then ends when process PARENT does.

use nix::{
    sys::{prctl, signal::Signal},
    unistd::getppid,
};
use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let parent = arguments.next().and_then(|text| text.to_str()?.parse::<i32>().ok());
    let (Some(parent), Some(program)) = (parent, arguments.next()) else {
        return failed("usage: tracker-leash PARENT PROGRAM ARGUMENTS…");
    };
    if let Err(error) = prctl::set_pdeathsig(Signal::SIGTERM) {
        return failed(&error.to_string());
    }
    // The parent may have died before the kernel was asked.
    if getppid().as_raw() != parent {
        return ExitCode::FAILURE;
    }
    let error = Command::new(&program).args(arguments).exec();
    failed(&format!("{}: {error}", program.display()))
}

fn failed(why: &str) -> ExitCode {
    let _nowhere = writeln!(std::io::stderr().lock(), "tracker-leash: {why}");
    ExitCode::from(127)
}
