//! How long a broadcast takes, against what it cannot be faster than: hand-overs between threads, and the receivers' own work.
//!
//! `cargo bench --bench broadcast -- [--receivers 1,2,4,8] [--waiting park,spin-then-park,spin] [--messages 200] [--rounds 15]`
//!
//! In each round, one after another: the floor (a hand-over between two threads through a bare futex, or by spinning), c (one
//! receiver's CPU time for a message, alone), and the broadcasts. A round's ratio is
//! broadcast ÷ (hand-overs × floor + receivers × c ÷ cores); the median over the rounds is printed, with its quartiles.
//!
//! `alone`: each broadcast starts when all nodes are idle, and is over when the sender knows that all have processed it; two
//! hand-overs are on its path, notice and last acknowledgement.
//! `stream`: one after another without a pause, from one to the next; two hand-overs more, the sender's release and the last
//! receiver's, on which the next message waits.
//! Every thread is bound to a core: the sender to the first, the receivers from the second on, round and round.
//! `busy` keeps every core awake with threads that give way to any other (SCHED_IDLE); `idle` lets cores go to sleep, and
//! waits before each broadcast until they have.

mod broadcast;
mod floor;
mod load;
mod place;
mod statistics;

use broadcast::{Broadcasts, Pace};
use load::Load;
use place::Places;
use slotmark_native::channel::WaitMode;
use statistics::Quartiles;

/// Threads that all spin need a core each.
const WAITING: [(&str, WaitMode); 3] = [
    ("park", WaitMode::Park),
    ("spin-then-park", WaitMode::SpinThenPark { spins: 200 }),
    ("spin", WaitMode::Spin),
];

struct Arguments {
    receivers: Vec<u32>,
    waiting: Vec<(&'static str, WaitMode)>,
    messages: u64,
    rounds: usize,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        receivers: vec![1, 2, 4, 8],
        waiting: WAITING.to_vec(),
        messages: 200,
        rounds: 15,
    };
    let mut words = std::env::args().skip(1);
    while let Some(option) = words.next() {
        // cargo bench adds this.
        if option == "--bench" {
            continue;
        }
        let value = words.next().ok_or(format!("{option} needs a value"))?;
        let wrong = |_| format!("{option} {value}: not a number");
        match option.as_str() {
            "--receivers" => {
                let numbers = value.split(',').map(|word| word.parse().map_err(wrong));
                parsed.receivers = numbers.collect::<Result<_, _>>()?;
            }
            "--waiting" => {
                let named = |word| WAITING.into_iter().find(|(name, _)| *name == word);
                let known = value
                    .split(',')
                    .map(|word| named(word).ok_or(format!("{option} {word}: no such way")));
                parsed.waiting = known.collect::<Result<_, _>>()?;
            }
            "--messages" => parsed.messages = value.parse().map_err(wrong)?,
            "--rounds" => parsed.rounds = value.parse().map_err(wrong)?,
            _ => return Err(format!("no such option: {option}")),
        }
    }
    let least = parsed.receivers.iter().all(|count| *count > 0);
    if !least || parsed.messages < 2 || parsed.rounds == 0 {
        return Err("at least 1 receiver, 2 messages, 1 round".to_owned());
    }
    Ok(parsed)
}

fn main() {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            std::process::exit(2);
        }
    };
    let places = Places::new();
    let cores = places.cores();
    places.take(0);
    println!(
        "{cores} cores; microseconds; median over {} rounds of {} broadcasts each",
        arguments.rounds, arguments.messages
    );
    println!(
        "waiting            load  pace    receivers   floor       c  broadcast   budget  ratio (quartiles)"
    );
    for &(name, wait) in &arguments.waiting {
        for load in [Load::Busy, Load::Idle] {
            for &receivers in &arguments.receivers {
                // More spinning threads than cores measure the scheduler's time slice.
                if wait == WaitMode::Spin && receivers as usize >= cores {
                    continue;
                }
                for pace in [Pace::Alone, Pace::Stream] {
                    if pace == Pace::Stream && load == Load::Idle {
                        continue;
                    }
                    measure(name, wait, load, pace, receivers, &places, &arguments);
                }
            }
        }
    }
}

fn measure(
    name: &str,
    wait: WaitMode,
    load: Load,
    pace: Pace,
    receivers: u32,
    places: &Places,
    arguments: &Arguments,
) {
    let _awake = load.keep(places);
    // Spinning costs CPU time but is no work: c is that of a receiver that sleeps, unless all threads spin.
    let wait_alone = match wait {
        WaitMode::Spin => wait,
        WaitMode::SpinThenPark { .. } | WaitMode::Park => WaitMode::Park,
    };
    // Started for each run: receivers that spin while others are measured would take their cores.
    let run = |receivers, wait, step_times| {
        let broadcasts = Broadcasts::start(receivers, wait, step_times, places);
        broadcasts.run(arguments.messages, pace, load.pause())
    };
    let (mut floors, mut costs, mut means, mut budgets, mut ratios) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..arguments.rounds {
        let floor = floor::hand_over_ns(wait, arguments.messages, load.pause(), places);
        let cost = run(1, wait_alone, wait == WaitMode::Spin).receiver_ns;
        let broadcast = run(receivers, wait, false).broadcast_ns;
        let budget =
            pace.hand_overs() * floor + f64::from(receivers) * cost / places.cores() as f64;
        floors.push(floor);
        costs.push(cost);
        means.push(broadcast);
        budgets.push(budget);
        ratios.push(broadcast / budget);
    }
    let micro = |values: Vec<f64>| Quartiles::of(values).median / 1e3;
    let ratio = Quartiles::of(ratios);
    println!(
        "{name:18} {:5} {:7} {receivers:9} {:7.2} {:7.2} {:10.2} {:8.2}  {:.2} ({:.2} to {:.2})",
        load.name(),
        pace.name(),
        micro(floors),
        micro(costs),
        micro(means),
        micro(budgets),
        ratio.median,
        ratio.lower,
        ratio.upper
    );
}
