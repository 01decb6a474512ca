//! What the embedded lock manager costs, as ratios to floors measured in the same run: `cargo bench --bench dlm`.
//!
//! `-- --json` prints one JSON document; `-- pair spinning` makes only these comparisons. Figures and floors are measured
//! in turns, so that both see the same machine; each ratio is the median of the rounds' ratios.

mod hand_over;
mod report;
mod uncontended;

use report::Report;

type Compare = fn(&mut Report);

const COMPARISONS: [(&str, Compare); 5] = [
    ("pair", uncontended::pair),
    ("two-threads", uncontended::two_threads),
    ("sleeping-idle", |report| {
        hand_over::sleeping(report, hand_over::Cores::Idle)
    }),
    ("sleeping-busy", |report| {
        hand_over::sleeping(report, hand_over::Cores::Busy)
    }),
    ("spinning", hand_over::spinning),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    // Cargo adds options of its own.
    let names = arguments.iter().filter(|name| !name.starts_with('-'));
    let all = names.clone().next().is_none();
    let mut report = Report::default();
    for (name, compare) in COMPARISONS {
        if all || names.clone().any(|wanted| wanted == name) {
            compare(&mut report);
        }
    }
    print!(
        "{}",
        if json {
            report.to_json()
        } else {
            report.to_text()
        }
    );
}
