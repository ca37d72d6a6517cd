//! The binary: hands the command line to the library and turns what comes back into an exit code.

fn main() -> std::process::ExitCode {
    inzage::cli::run()
}
