//! The binary: hands the command line to the library and turns what comes back into an exit code.

/// Chosen by measurement, see benches/RESULTS.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    inzage::cli::run()
}
