//! Broadcasts from one node to all others, step by step.

use super::busy_cores::BusyCores;
use super::cores::Cores;
use super::floors::{self, Floors};
use super::player::sure;
use super::{Plan, ROUNDS, Turn};
use crate::channel::{
    Channel, Failure, Options, ReceiveStep, SendStep, Steps, Times, Variant, WaitMode,
};
use crate::dlm::{CallbackQueue, LVB_BYTES, Lockspace};
use crate::dlm_addon::stop::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Long enough for a core to fall asleep, where cores are to idle.
const PAUSE: Duration = Duration::from_micros(200);

pub(super) struct Series {
    pub(super) role: &'static str,
    pub(super) step: String,
    pub(super) latencies_ns: Vec<f64>,
}

pub(super) struct Measured {
    pub(super) series: Vec<Series>,
    pub(super) floors: Floors,
    /// CPU time of one receiver for one message, alone with a sender and asleep between messages; a mean for each round.
    pub(super) receiver_cpu_ns: Vec<f64>,
    /// Acknowledgements that ended in a deadlock of receivers, among the broadcasts in the series.
    pub(super) deadlocks: u64,
}

/// `plan.nodes` is 2 or more: one sends.
pub(super) fn measure(plan: Plan, variant: Variant, stop: &Stop) -> Measured {
    let mut measured = Measured {
        series: empty_series(),
        floors: Floors::default(),
        receiver_cpu_ns: Vec::new(),
        deadlocks: 0,
    };
    let cores = Arc::new(Cores::allowed());
    let _busy = plan.busy.then(|| BusyCores::start(&cores));
    // The sender's; receivers follow from the next core on.
    cores.keep(0);
    // Broadcasts get three slices of a round, one receiver alone one.
    let slice = plan.time / ROUNDS / (4 + floors::SLICES);
    let samples = plan.samples / ROUNDS as usize;
    for _ in 0..ROUNDS {
        if stop.is_set() {
            break;
        }
        let turn = |slices: u32| Turn {
            until: Instant::now() + slice * slices,
            samples,
        };
        measured.floors.measure(plan, &cores, slice, samples);
        let alone = Plan {
            nodes: 2,
            spin: false,
            ..plan
        };
        let one = broadcasts(alone, variant, &cores, turn(1), stop);
        measured.receiver_cpu_ns.push(one.receiver_cpu_ns);
        let all = broadcasts(plan, variant, &cores, turn(3), stop);
        measured.deadlocks += all.deadlocks;
        for series in &mut measured.series {
            let latencies_ns = all.taken.iter().filter_map(|taken| taken.of(series));
            series
                .latencies_ns
                .extend(latencies_ns.collect::<Vec<f64>>());
        }
    }
    measured
}

enum Taken {
    Send(Times),
    Receive(Times),
}

impl Taken {
    fn of(&self, series: &Series) -> Option<f64> {
        let nanoseconds = match (self, series.role) {
            (Taken::Send(times), "send") => match series.step.as_str() {
                "processed" => times.since_start_ns(SendStep::AckEx),
                "all" => times.since_start_ns(SendStep::TokenNl),
                step => duration(times, SendStep::ALL, step),
            },
            (Taken::Receive(times), "receive") => duration(times, ReceiveStep::ALL, &series.step),
            _ => None,
        };
        nanoseconds.map(|nanoseconds| nanoseconds as f64)
    }
}

fn duration<S: Steps + std::fmt::Debug>(times: &Times, steps: &[S], name: &str) -> Option<u64> {
    let step = steps.iter().find(|step| name_of(**step) == name)?;
    times.duration_ns(*step)
}

/// `tokenEx` for `TokenEx`.
fn name_of(step: impl std::fmt::Debug) -> String {
    let name = format!("{step:?}");
    name[..1].to_lowercase() + &name[1..]
}

fn empty_series() -> Vec<Series> {
    let series = |role, step| Series {
        role,
        step,
        latencies_ns: Vec::new(),
    };
    let whole = ["processed", "all"].map(|step| series("send", step.to_owned()));
    let send = SendStep::ALL
        .iter()
        .map(|step| series("send", name_of(step)));
    let receive = ReceiveStep::ALL
        .iter()
        .map(|step| series("receive", name_of(step)));
    whole.into_iter().chain(send).chain(receive).collect()
}

#[derive(Default)]
struct Broadcasts {
    taken: Vec<Taken>,
    /// Mean CPU time of a receiver for a message.
    receiver_cpu_ns: f64,
    deadlocks: u64,
}

/// What one receiver has seen.
struct ReceivedAll {
    times: Vec<Times>,
    cpu_ns: u64,
    deadlocks: u64,
}

/// One broadcast after another, each when all nodes have done with the one before.
fn broadcasts(plan: Plan, variant: Variant, cores: &Cores, turn: Turn, stop: &Stop) -> Broadcasts {
    let lockspace = sure(Lockspace::unlisted("measure"));
    let options = Options {
        variant,
        wait: if plan.spin {
            WaitMode::Spin
        } else {
            WaitMode::Park
        },
        ..Options::default()
    };
    let channels: Result<Vec<Channel>, _> = (1..=plan.nodes)
        .map(|number| {
            let node = Arc::new(sure(lockspace.join(number, CallbackQueue::new())));
            let (channel, _) = Channel::join(node, options, None)?;
            let watched = channel.clone();
            stop.watch(move || watched.stop());
            Ok(channel)
        })
        .collect();
    let channels = channels.unwrap_or_else(|error: crate::channel::ChannelError| panic!("{error}"));
    let Some((sender, receivers)) = channels.split_first() else {
        return Broadcasts::default();
    };
    let done = AtomicU64::new(0);
    let mut all = Broadcasts::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = receivers
            .iter()
            .enumerate()
            .map(|(index, channel)| {
                let done = &done;
                let samples = turn.samples.div_ceil(receivers.len());
                scope.spawn(move || {
                    cores.keep(index + 1);
                    stop.set_by_panic(|| receive(channel, done, samples))
                })
            })
            .collect();
        let mut sent = 0;
        while !turn.is_over(sent as usize) && !stop.is_set() {
            if !plan.busy && !plan.spin {
                std::thread::sleep(PAUSE);
            }
            // Stopped, or stuck as the original variant can be.
            let Ok(times) = sender.send(&[1; LVB_BYTES], None) else {
                break;
            };
            sent += 1;
            all.taken.push(Taken::Send(times));
            while done.load(Ordering::Acquire) < sent * receivers.len() as u64 && !stop.is_set() {
                std::thread::yield_now();
            }
        }
        receivers.iter().for_each(Channel::stop);
        let mut cpu_ns = 0;
        for thread in threads {
            match thread.join() {
                Ok(received) => {
                    all.taken
                        .extend(received.times.into_iter().map(Taken::Receive));
                    all.deadlocks += received.deadlocks;
                    cpu_ns += received.cpu_ns;
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all.receiver_cpu_ns = cpu_ns as f64 / receivers.len() as f64 / sent.max(1) as f64;
    });
    stop.forget_waits();
    all
}

/// Until the channel is stopped; times are those of the first messages.
fn receive(channel: &Channel, done: &AtomicU64, samples: usize) -> ReceivedAll {
    let mut times = Vec::with_capacity(samples);
    let mut deadlocks = 0;
    let before_ns = thread_cpu_ns();
    while let Ok(Some(message)) = channel.receive(None, None) {
        match message.acknowledge(None) {
            Ok(taken) if times.len() < samples => times.push(taken),
            // It comes after all steps are done: the channel goes on.
            Err(error) if error.failure == Failure::Deadlock => deadlocks += 1,
            Ok(_) | Err(_) => {}
        }
        done.fetch_add(1, Ordering::Release);
    }
    ReceivedAll {
        times,
        cpu_ns: thread_cpu_ns() - before_ns,
        deadlocks,
    }
}

fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec into the one given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
