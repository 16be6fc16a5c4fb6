//! How long `gatepass dev` takes from nothing to ready, on an empty directory and on a used one.

#![expect(clippy::print_stdout, reason = "the ratios are what this program is for")]

use std::time::{Duration, Instant};

use gatepass_e2e::dev::{Dev, Options};

/// The time that a person does not notice, which is what a start may take.
const BUDGET: Duration = Duration::from_millis(200);
const STARTS: usize = 15;

fn main() {
    let options = Options { environment: vec![("RUST_LOG".to_owned(), "warn".to_owned())], ..Options::default() };
    let (mut empty, mut used) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for times in [&mut empty, &mut used] {
            let begin = Instant::now();
            let mut server = Dev::start(&directory.path().join("data"), &options).expect("the server starts");
            times.push(begin.elapsed());
            server.terminate().expect("the server ends");
        }
    }
    println!("ratio start-on-empty-directory-to-200ms {:.2}", BUDGET.div_duration_f64(median(empty)));
    println!("ratio start-on-used-directory-to-200ms {:.2}", BUDGET.div_duration_f64(median(used)));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
