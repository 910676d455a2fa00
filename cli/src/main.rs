//! The `tracker` command.

fn main() -> std::process::ExitCode {
    tracker_cli::main()
}
