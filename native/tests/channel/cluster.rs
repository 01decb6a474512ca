//! Nodes to test with: each with its channel, and a thread that receives.

use slotmark_native::channel::{Channel, ChannelError, LockBackend, Options, WaitMode};
use slotmark_native::dlm::{
    CallbackQueue, Flags, LVB_BYTES, Lockspace, Lvb, Mode, Node, Refusal, Request, Sink,
};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any test takes on a busy machine: whoever waits so long hangs.
pub const NEVER: Duration = Duration::from_secs(60);

pub fn options() -> Options {
    Options {
        timeout: Some(NEVER),
        wait: WaitMode::Park,
        ..Options::default()
    }
}

pub fn with_timeout(milliseconds: u64) -> Options {
    Options {
        timeout: Some(Duration::from_millis(milliseconds)),
        ..options()
    }
}

/// A payload that names itself.
pub fn payload(number: u64) -> Lvb {
    let mut bytes = [0; LVB_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[56..].copy_from_slice(&(!number).to_le_bytes());
    bytes
}

pub fn number_of(payload: &Lvb) -> u64 {
    let number = u64::from_le_bytes(payload[..8].try_into().expect("8 bytes"));
    let check = u64::from_le_bytes(payload[56..].try_into().expect("8 bytes"));
    assert_eq!(check, !number, "a torn payload");
    number
}

pub fn lockspace() -> Arc<Lockspace> {
    Lockspace::unlisted("channel-test").expect("a valid name")
}

/// A node whose lock manager fails it: it dies in place of its nth conversion, or halts before it.
pub struct Mortal {
    node: Node,
    number: u32,
    conversions_left: AtomicI64,
    conversions_until_halt: AtomicI64,
    halted: AtomicBool,
    may_go_on: AtomicBool,
}

impl Mortal {
    pub fn join(lockspace: &Arc<Lockspace>, number: u32) -> Arc<Mortal> {
        let node = lockspace
            .join(number, CallbackQueue::new())
            .expect("a new node");
        Arc::new(Mortal {
            node,
            number,
            conversions_left: AtomicI64::new(i64::MAX),
            conversions_until_halt: AtomicI64::new(i64::MAX),
            halted: AtomicBool::new(false),
            may_go_on: AtomicBool::new(false),
        })
    }

    /// It does so many more conversions and dies when it is about to do the next.
    pub fn die_after(&self, conversions: i64) {
        self.conversions_left.store(conversions, Ordering::SeqCst);
    }

    /// It does so many more conversions and halts when it is about to do the next, until `go_on`.
    pub fn halt_after(&self, conversions: i64) {
        self.conversions_until_halt
            .store(conversions, Ordering::SeqCst);
    }

    /// How many conversions it was asked for.
    pub fn conversions(&self) -> i64 {
        i64::MAX - self.conversions_left.load(Ordering::SeqCst)
    }

    pub fn wait_until_halted(&self) {
        wait_until(self.node.lockspace(), || self.halted.load(Ordering::SeqCst));
    }

    pub fn go_on(&self) {
        self.may_go_on.store(true, Ordering::SeqCst);
    }

    pub fn die(&self) {
        self.node
            .lockspace()
            .nodes_died(&[self.number])
            .expect("a member");
    }
}

impl LockBackend for Mortal {
    fn request(
        &self,
        name: &str,
        request: &Request<'_>,
        sink: Arc<dyn Sink>,
    ) -> Result<u64, Refusal> {
        self.node.request(name, request, sink)
    }

    fn convert(&self, lock: u64, request: &Request<'_>) -> Result<(), Refusal> {
        if self.conversions_left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.die();
        }
        if self.conversions_until_halt.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.halted.store(true, Ordering::SeqCst);
            wait_until(self.node.lockspace(), || {
                self.may_go_on.load(Ordering::SeqCst)
            });
        }
        LockBackend::convert(&self.node, lock, request)
    }

    fn unlock(&self, lock: u64, flags: Flags) -> Result<(), Refusal> {
        LockBackend::unlock(&self.node, lock, flags)
    }

    fn cancel(&self, lock: u64) -> Result<(), Refusal> {
        LockBackend::cancel(&self.node, lock)
    }
}

/// A channel end with its mortal node.
pub struct Member {
    pub node: Arc<Mortal>,
    pub channel: Channel,
}

impl Member {
    pub fn join(lockspace: &Arc<Lockspace>, number: u32, options: Options) -> Member {
        let node = Mortal::join(lockspace, number);
        let backend: Arc<Mortal> = Arc::clone(&node);
        let (channel, _) = Channel::join(backend, options, None).expect("joins");
        Member { node, channel }
    }

    pub fn join_all(lockspace: &Arc<Lockspace>, count: u32, options: Options) -> Vec<Member> {
        (1..=count)
            .map(|number| Member::join(lockspace, number, options))
            .collect()
    }
}

/// A thread that receives and acknowledges until its channel stops.
pub struct Receiver {
    channel: Channel,
    pub received: Arc<Mutex<Vec<u64>>>,
    thread: Option<JoinHandle<Result<(), ChannelError>>>,
}

impl Receiver {
    pub fn start(member: &Member) -> Receiver {
        let channel = member.channel.clone();
        let received = Arc::new(Mutex::new(Vec::new()));
        let thread = {
            let (channel, received) = (channel.clone(), Arc::clone(&received));
            std::thread::spawn(move || {
                loop {
                    let Some(message) = channel.receive(None, None)? else {
                        continue;
                    };
                    let number = number_of(message.payload());
                    received.lock().expect("no panic").push(number);
                    message.acknowledge(None)?;
                }
            })
        };
        Receiver {
            channel,
            received,
            thread: Some(thread),
        }
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.received.lock().expect("no panic").clone()
    }

    /// Stops the channel; returns how the thread ended, which is always an error.
    pub fn stop(mut self) -> ChannelError {
        self.channel.stop();
        self.join()
    }

    /// How the thread ended by itself.
    pub fn join(&mut self) -> ChannelError {
        let thread = self.thread.take().expect("joined once");
        let outcome = thread.join().expect("no panic");
        outcome.expect_err("it receives until something ends it")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.channel.stop();
            let _ = thread.join();
        }
    }
}

/// Waits until the locks on this resource are granted in exactly these modes, in any order.
pub fn settle(lockspace: &Lockspace, resource: &str, modes: &[Mode]) {
    let mut modes = modes.to_vec();
    modes.sort();
    wait_until(lockspace, || granted(lockspace, resource) == modes);
}

/// So many nodes idle: nobody sends, nobody has a message in hand, all are ready for the next.
pub fn settle_idle(lockspace: &Lockspace, nodes: usize) {
    wait_until(lockspace, || is_idle(lockspace, nodes));
}

/// As `settle_idle`, with all members, of whom some may die meanwhile.
pub fn settle_living(lockspace: &Lockspace) {
    wait_until(lockspace, || is_idle(lockspace, lockspace.members().len()));
}

fn is_idle(lockspace: &Lockspace, nodes: usize) -> bool {
    [
        ("token", Mode::Nl),
        ("message", Mode::Nl),
        ("ack", Mode::Cr),
    ]
    .into_iter()
    .all(|(resource, mode)| granted(lockspace, resource) == vec![mode; nodes])
}

fn granted(lockspace: &Lockspace, resource: &str) -> Vec<Mode> {
    let mut modes = lockspace.granted_modes(resource.as_bytes());
    modes.sort();
    modes
}

pub fn wait_until(lockspace: &Lockspace, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < NEVER,
            "token {:?}, message {:?}, ack {:?}",
            granted(lockspace, "token"),
            granted(lockspace, "message"),
            granted(lockspace, "ack")
        );
        std::thread::yield_now();
    }
}
