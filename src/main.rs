//! The binary: hands the command line to the library and turns what comes back into an exit code.

/// For what a connection holds while it is idle: 5.2 kB each with 1,000 of them, 30.0 kB with the allocator of glibc, whose pages
/// stay where a burst of requests has left them (`Pss` 3 s after one answer each). Requests cost the same processor time with
/// both. When pages are given back stands in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    inzage::cli::run()
}
