//! Runs one kernel and prints one JSON line: its answer's digest, then the quartiles of its time.
//!
//! `hotpath-native KERNEL check` sets up, runs the kernel twice and prints the digest. `hotpath-native KERNEL MILLISECONDS`
//! times it. A kernel that it does not have gives `{}`. Kernel names, inputs and digests are those of `bench/kernels.ts`.

mod bits;
mod fixtures;
mod pages;
mod slot;

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// One kernel with its state: `run` is what is timed, `digest` sums up the state that it leaves.
pub trait Kernel {
    fn run(&mut self);
    fn digest(&mut self) -> u32;
}

fn kernel(name: &str) -> Option<Box<dyn Kernel>> {
    Some(match name {
        "set-bit" => Box::new(bits::SetBits::new()),
        "set-range" => Box::new(bits::SetRanges::new()),
        "merge-or" => Box::new(bits::Or::new()),
        "popcount" => Box::new(bits::Popcount::new()),
        "scan-0.01" => Box::new(bits::Scan::new(104)),
        "scan-1" => Box::new(bits::Scan::new(10_485)),
        "scan-50" => Box::new(bits::Scan::new(524_288)),
        "writes-one" => Box::new(slot::Writes::new(1)),
        "writes-many" => Box::new(slot::Writes::new(64)),
        "passes" => Box::new(slot::Passes::new()),
        "offsets" => Box::new(pages::Offsets::new()),
        "pages-0.1" => Box::new(pages::DirtyPages::new(8)),
        "pages-5" => Box::new(pages::DirtyPages::new(410)),
        "pages-50" => Box::new(pages::DirtyPages::new(4096)),
        "generate-uniform" => Box::new(bits::Uniform::new()),
        _ => return None,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, how] = arguments.as_slice() else {
        eprintln!("usage: hotpath-native KERNEL check|MILLISECONDS");
        return ExitCode::from(2);
    };
    let Some(mut kernel) = kernel(name) else {
        println!("{{}}");
        return ExitCode::SUCCESS;
    };
    if how == "check" {
        kernel.run();
        kernel.run();
        println!("{{\"digest\":{}}}", kernel.digest());
        return ExitCode::SUCCESS;
    }
    let Ok(milliseconds) = how.parse() else {
        eprintln!("{how} is no number of milliseconds");
        return ExitCode::from(2);
    };
    let mut samples = time(kernel.as_mut(), Duration::from_millis(milliseconds));
    samples.sort_unstable();
    let quantile = |q: usize| samples[(samples.len() - 1) * q / 4];
    println!(
        "{{\"samples\":{},\"p25Ns\":{},\"p50Ns\":{},\"p75Ns\":{}}}",
        samples.len(),
        quantile(1),
        quantile(2),
        quantile(3)
    );
    ExitCode::SUCCESS
}

/// A quarter of the time warms up.
fn time(kernel: &mut dyn Kernel, budget: Duration) -> Vec<u64> {
    let mut samples = Vec::with_capacity(1 << 16);
    let begin = Instant::now();
    loop {
        let start = Instant::now();
        kernel.run();
        let end = Instant::now();
        if end - begin > budget.mul_f32(1.25) && !samples.is_empty() {
            return samples;
        }
        if end - begin > budget / 4 {
            samples.push((end - start).as_nanos() as u64);
        }
    }
}
