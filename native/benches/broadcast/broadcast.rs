//! One sender and its receivers, each on a thread of its own.

use crate::place::Places;
use slotmark_native::channel::{Channel, Options, ReceiveStep, SendStep, WaitMode, now_ns};
use slotmark_native::dlm::{CallbackQueue, LVB_BYTES, Lockspace, Lvb};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Alone,
    Stream,
}

impl Pace {
    pub fn name(self) -> &'static str {
        match self {
            Pace::Alone => "alone",
            Pace::Stream => "stream",
        }
    }

    /// On the critical path of one broadcast.
    pub fn hand_overs(self) -> f64 {
        match self {
            Pace::Alone => 2.0,
            Pace::Stream => 4.0,
        }
    }
}

/// Means over the messages of one run.
pub struct Run {
    /// Alone: until every node has processed the message. Stream: from one send to the next.
    pub broadcast_ns: f64,
    /// One receiver's own time for a message.
    pub receiver_ns: f64,
}

pub struct Broadcasts {
    wait: WaitMode,
    sender: Channel,
    receivers: Vec<Arc<Counters>>,
    channels: Vec<Channel>,
    threads: Vec<JoinHandle<()>>,
}

/// Of one receiver, since it started.
#[derive(Default)]
struct Counters {
    /// Messages answered, and all locks back in place.
    done: AtomicU64,
    /// The last message's number.
    last: AtomicU64,
    /// CPU time of its thread.
    cpu_ns: AtomicU64,
    /// Time in the steps that wait for nobody.
    steps_ns: AtomicU64,
}

const WORKING_STEPS: [ReceiveStep; 6] = [
    ReceiveStep::ReceiveTurn,
    ReceiveStep::MessageCr,
    ReceiveStep::Processed,
    ReceiveStep::AckNl,
    ReceiveStep::AckCr,
    ReceiveStep::MessageNl,
];

impl Broadcasts {
    pub fn start(receivers: u32, wait: WaitMode, step_times: bool, places: &Places) -> Broadcasts {
        let lockspace = Lockspace::unlisted("broadcast").expect("a valid name");
        let options = Options {
            wait,
            step_times,
            ..Options::default()
        };
        let join = |number: u32| {
            let node = lockspace.join(number, CallbackQueue::new());
            let node = Arc::new(node.expect("a new node"));
            Channel::join(node, options, None).expect("joins").0
        };
        let sender = join(1);
        let channels: Vec<Channel> = (0..receivers).map(|index| join(index + 2)).collect();
        let counters: Vec<Arc<Counters>> = channels.iter().map(|_| Arc::default()).collect();
        let threads = channels.iter().zip(&counters).enumerate();
        let threads = threads.map(|(index, (channel, counters))| {
            let (channel, counters) = (channel.clone(), Arc::clone(counters));
            let places = places.clone();
            std::thread::spawn(move || {
                places.take(index + 1);
                receive(&channel, &counters);
            })
        });
        Broadcasts {
            wait,
            threads: threads.collect(),
            sender,
            receivers: counters,
            channels,
        }
    }

    /// After some messages that warm everything up.
    pub fn run(&self, messages: u64, pace: Pace, pause: Option<Duration>) -> Run {
        let sent_before = messages / 10 + 1;
        for number in 1..=sent_before {
            self.sender.send(&payload(number), None).expect("sends");
        }
        self.wait_until_done(sent_before);
        let cpu_before = self.sum(|counters| &counters.cpu_ns);
        let steps_before = self.sum(|counters| &counters.steps_ns);
        let start_ns = now_ns();
        let mut alone_ns = 0;
        for number in sent_before + 1..=sent_before + messages {
            if pace == Pace::Alone {
                self.wait_until_done(number - 1);
                if let Some(pause) = pause {
                    std::thread::sleep(pause);
                }
            }
            let times = self.sender.send(&payload(number), None).expect("sends");
            alone_ns += times.since_start_ns(SendStep::AckEx).expect("it was sent");
        }
        let stream_ns = now_ns() - start_ns;
        self.wait_until_done(sent_before + messages);
        let cpu_ns = self.sum(|counters| &counters.cpu_ns) - cpu_before;
        let steps_ns = self.sum(|counters| &counters.steps_ns) - steps_before;
        for counters in &self.receivers {
            let last = counters.last.load(Ordering::Acquire);
            assert_eq!(
                last,
                sent_before + messages,
                "every receiver has the last message"
            );
        }
        // A thread that spins uses CPU time while it waits, which is no cost of the message.
        let own_ns = if self.wait == WaitMode::Spin {
            // Each step's time has one look at the clock in it.
            let looks = messages as f64 * WORKING_STEPS.len() as f64;
            (steps_ns as f64 - looks * look_at_clock_ns()) as u64
        } else {
            cpu_ns
        };
        let total_ns = match pace {
            Pace::Alone => alone_ns,
            Pace::Stream => stream_ns,
        };
        Run {
            broadcast_ns: total_ns as f64 / messages as f64,
            receiver_ns: own_ns as f64 / messages as f64 / self.receivers.len() as f64,
        }
    }

    fn sum(&self, counter: impl Fn(&Counters) -> &AtomicU64) -> u64 {
        let receivers = self.receivers.iter();
        receivers
            .map(|counters| counter(counters).load(Ordering::Acquire))
            .sum()
    }

    fn wait_until_done(&self, number: u64) {
        for counters in &self.receivers {
            while counters.done.load(Ordering::Acquire) < number {
                std::thread::yield_now();
            }
        }
    }
}

impl Drop for Broadcasts {
    fn drop(&mut self) {
        self.channels.iter().for_each(Channel::stop);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn receive(channel: &Channel, counters: &Counters) {
    let mut steps_ns = 0;
    // Ends when the channel is stopped.
    while let Ok(Some(message)) = channel.receive(None, None) {
        let number = u64::from_le_bytes(message.payload()[..8].try_into().expect("8 bytes"));
        assert_eq!(
            number,
            counters.last.load(Ordering::Relaxed) + 1,
            "in order"
        );
        counters.last.store(number, Ordering::Release);
        let Ok(times) = message.acknowledge(None) else {
            return;
        };
        steps_ns += WORKING_STEPS
            .iter()
            .filter_map(|step| times.duration_ns(*step))
            .sum::<u64>();
        counters.steps_ns.store(steps_ns, Ordering::Release);
        counters.cpu_ns.store(thread_cpu_ns(), Ordering::Release);
        counters.done.store(number, Ordering::Release);
    }
}

fn look_at_clock_ns() -> f64 {
    const LOOKS: u32 = 1_000;
    let start_ns = now_ns();
    for _ in 0..LOOKS {
        std::hint::black_box(now_ns());
    }
    (now_ns() - start_ns) as f64 / f64::from(LOOKS)
}

fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live timespec; every thread has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn payload(number: u64) -> Lvb {
    let mut bytes = [0; LVB_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}
