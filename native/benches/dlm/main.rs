//! What the embedded lock manager costs, as ratios to floors measured in the same run: `cargo bench --bench dlm`.
//!
//! `-- --json` prints one JSON document. Figures and floors are measured in turns, so that both see the same machine; each
//! ratio is the median of the rounds' ratios.

mod hand_over;
mod report;
mod uncontended;

use report::Report;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut report = Report::default();
    uncontended::pair(&mut report);
    uncontended::two_threads(&mut report);
    hand_over::sleeping(&mut report, hand_over::Cores::Idle);
    hand_over::sleeping(&mut report, hand_over::Cores::Busy);
    hand_over::spinning(&mut report);
    print!(
        "{}",
        if json {
            report.to_json()
        } else {
            report.to_text()
        }
    );
}
