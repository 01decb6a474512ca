//! One set of rules for both lock managers (spec §7): the embedded one, and the kernel's where there is one.
//!
//! `cargo test` holds the embedded manager to it. On a machine of a DLM cluster the same program holds the kernel to it,
//! with `SLOTMARK_DLM=kernel`; the lab (`test/lab/`) runs it there. With `hold_every_resource` on another machine, all
//! resources have their master there.
//!
//! The kernel's callbacks come later than the calls: `heard` asks a harmless question on the same resource first, whose
//! answer cannot overtake what was on its way.

use slotmark_native::channel::LockBackend;
use slotmark_native::dlm::{
    Callback, CallbackQueue, Event, Flags, Lockspace, Lvb, Mode, Refusal, Request, Sink, Status,
    StatusFlags, Wait, Waited, Wake,
};
use slotmark_native::kernel_dlm::{Host, KernelNode};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use Mode::{Cr, Cw, Ex, Nl, Pr, Pw};

const ARRAY: &str = "c0f0a0ce-0000-4000-8000-000000000001";
/// For an answer of the kernel; emulated machines take their time.
const PATIENCE: Duration = Duration::from_secs(60);
/// The tag of the question that `heard` asks.
const FENCE: u64 = 0;

/// Puts the number of its lock into each callback on its way to the queue: the trait knows no tags.
struct Tagged(u64, Arc<CallbackQueue>);

impl Sink for Tagged {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        let mut callback = *callback;
        match &mut callback {
            Callback::Ast { tag, .. } | Callback::Bast { tag, .. } => *tag = self.0,
            _ => {}
        }
        self.1.deliver(&callback)
    }

    fn wake(&self) {
        self.1.wake();
    }

    fn gone(&self) {
        self.1.gone();
    }
}

fn on_the_kernel() -> bool {
    match std::env::var("SLOTMARK_DLM").as_deref() {
        Ok("kernel") => true,
        Ok("embedded") | Err(_) => false,
        Ok(other) => panic!("SLOTMARK_DLM={other}: embedded or kernel"),
    }
}

fn kernel_node() -> KernelNode {
    /// Keeps the lockspace there between the tests: to join it takes the cluster a second.
    static ANCHOR: OnceLock<KernelNode> = OnceLock::new();
    let open = || {
        KernelNode::open(&Host::default(), ARRAY)
            .unwrap_or_else(|error| panic!("{error}; {}", error.remedy()))
    };
    ANCHOR.get_or_init(open);
    open()
}

/// A node with one resource, and what it heard of it.
struct Player {
    manager: Box<dyn LockBackend>,
    queue: Arc<CallbackQueue>,
    resource: &'static str,
}

/// A callback without the lock's number, which the managers give out differently.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Ast {
        tag: u64,
        status: Status,
        flags: u8,
        mode: Option<Mode>,
        value: Option<u8>,
    },
    Bast {
        tag: u64,
        mode: Mode,
    },
}

impl Player {
    fn lock(&self, tag: u64, request: Request<'_>) -> u64 {
        self.try_lock(tag, request).expect("accepted")
    }

    fn try_lock(&self, tag: u64, request: Request<'_>) -> Result<u64, Refusal> {
        self.ask(self.resource, tag, &request.blocking_callbacks())
    }

    fn ask(&self, name: &str, tag: u64, request: &Request<'_>) -> Result<u64, Refusal> {
        let sink = Arc::new(Tagged(tag, Arc::clone(&self.queue)));
        self.manager.request(name, request, sink)
    }

    fn convert(&self, lock: u64, request: Request<'_>) {
        self.try_convert(lock, request).expect("accepted");
    }

    fn try_convert(&self, lock: u64, request: Request<'_>) -> Result<(), Refusal> {
        self.manager.convert(lock, &request.blocking_callbacks())
    }

    fn unlock(&self, lock: u64) {
        self.manager.unlock(lock, Flags::NONE).expect("accepted");
    }

    /// A lock granted in this mode, its completion consumed.
    fn holds(&self, tag: u64, mode: Mode) -> u64 {
        let lock = self.lock(tag, Request::new(mode));
        assert_eq!(self.heard(), [granted(tag, mode)]);
        lock
    }

    /// Everything that this node has been told of its resource since the last call.
    fn heard(&self) -> Vec<Heard> {
        let fence = Request::new(Nl).flags(Flags::EXPEDITE);
        let lock = self.ask(self.resource, FENCE, &fence).expect("accepted");
        let mut heard = Vec::new();
        self.until_fence(Status::Granted, &mut heard);
        self.unlock(lock);
        self.until_fence(Status::Unlocked, &mut heard);
        heard
    }

    fn until_fence(&self, end: Status, heard: &mut Vec<Heard>) {
        let deadline = Some(Instant::now() + PATIENCE);
        loop {
            match self.queue.wait(Wait { deadline, spins: 0 }) {
                Waited::Event(Event::Ast {
                    tag: FENCE, status, ..
                }) => {
                    assert_eq!(status, end);
                    return;
                }
                Waited::Event(Event::Ast {
                    tag,
                    status,
                    flags,
                    mode,
                    lvb,
                    ..
                }) => {
                    let value = lvb.map(|lvb| lvb[0]);
                    heard.push(Heard::Ast {
                        tag,
                        status,
                        flags: flags.0,
                        mode,
                        value,
                    });
                }
                Waited::Event(Event::Bast { tag, mode, .. }) => {
                    heard.push(Heard::Bast { tag, mode })
                }
                Waited::Event(_) => {}
                other => panic!("{other:?} after {heard:?}"),
            }
        }
    }
}

/// Nodes of one lockspace that know this resource alone.
fn players<const N: usize>(resource: &'static str) -> [Player; N] {
    let lockspace = Lockspace::unlisted("conformance").expect("a good name");
    std::array::from_fn(|number| {
        let queue = CallbackQueue::new();
        let manager: Box<dyn LockBackend> = if on_the_kernel() {
            Box::new(kernel_node())
        } else {
            Box::new(
                lockspace
                    .join(number as u32 + 1, queue.clone())
                    .expect("a new node"),
            )
        };
        Player {
            manager,
            queue,
            resource,
        }
    })
}

fn ast(tag: u64, status: Status, mode: Option<Mode>) -> Heard {
    Heard::Ast {
        tag,
        status,
        flags: 0,
        mode,
        value: None,
    }
}

fn granted(tag: u64, mode: Mode) -> Heard {
    ast(tag, Status::Granted, Some(mode))
}

fn bast(tag: u64, mode: Mode) -> Heard {
    Heard::Bast { tag, mode }
}

/// A value block of 32 bytes and 32 zeros.
fn value(byte: u8) -> Lvb {
    std::array::from_fn(|at| if at < 32 { byte } else { 0 })
}

/// Defines the rules as tests, each with its own name as the resource, and lists the resources.
macro_rules! rules {
    ($(fn $name:ident($resource:ident) $body:block)*) => {
        const RESOURCES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                let $resource = stringify!($name);
                $body
            }
        )*
    };
}

rules! {
    fn every_pair_of_modes(resource) {
        let [a, b] = players(resource);
        for held in Mode::ALL {
            let lock = a.holds(1, held);
            for asked in Mode::ALL {
                let other = b.lock(2, Request::new(asked).flags(Flags::NOQUEUE));
                if held.goes_with(asked) {
                    assert_eq!(b.heard(), [granted(2, asked)], "{held:?} {asked:?}");
                    b.unlock(other);
                    assert_eq!(b.heard(), [ast(2, Status::Unlocked, None)]);
                } else {
                    assert_eq!(b.heard(), [ast(2, Status::Again, None)], "{held:?} {asked:?}");
                    assert_eq!(b.try_convert(other, Request::new(Nl)), Err(Refusal::UnknownLock));
                }
            }
            a.unlock(lock);
            assert_eq!(a.heard(), [ast(1, Status::Unlocked, None)], "NOQUEUE tells no holder");
        }
    }

    fn a_request_waits_and_the_holder_hears_of_it(resource) {
        let [a, b] = players(resource);
        let held = a.holds(1, Ex);
        let waiting = b.lock(2, Request::new(Pr));
        assert_eq!(a.heard(), [bast(1, Pr)]);
        assert_eq!(b.heard(), []);
        assert_eq!(b.try_convert(waiting, Request::new(Cr)), Err(Refusal::OperationOutstanding));
        a.convert(held, Request::new(Nl));
        assert_eq!(a.heard(), [granted(1, Nl)]);
        assert_eq!(b.heard(), [granted(2, Pr)]);
    }

    fn requests_are_granted_in_their_order(resource) {
        let [a, b, c, d] = players(resource);
        let held = a.holds(1, Ex);
        let second = b.lock(2, Request::new(Ex));
        c.lock(3, Request::new(Pr));
        d.lock(4, Request::new(Pr));
        a.unlock(held);
        assert_eq!(b.heard(), [granted(2, Ex), bast(2, Pr)]);
        assert_eq!((c.heard(), d.heard()), (vec![], vec![]));
        b.unlock(second);
        assert_eq!(c.heard(), [granted(3, Pr)]);
        assert_eq!(d.heard(), [granted(4, Pr)]);
    }

    fn headque_goes_first(resource) {
        let [a, b, c] = players(resource);
        let held = a.holds(1, Ex);
        b.lock(2, Request::new(Ex));
        c.lock(3, Request::new(Ex).flags(Flags::HEADQUE));
        a.unlock(held);
        assert_eq!(c.heard(), [granted(3, Ex), bast(3, Ex)]);
        assert_eq!(b.heard(), []);
    }

    fn expedite_and_noorder_pass_what_waits(resource) {
        let [a, b, c] = players(resource);
        a.holds(1, Pr);
        b.lock(2, Request::new(Ex));
        c.lock(3, Request::new(Nl));
        assert_eq!(c.heard(), [], "a plain NL waits behind the queue");
        c.lock(4, Request::new(Nl).flags(Flags::EXPEDITE));
        assert_eq!(c.heard(), [granted(4, Nl)]);
        c.lock(5, Request::new(Pr).flags(Flags::NOORDER));
        assert_eq!(c.heard(), [granted(5, Pr)]);
    }

    fn conversions_overtake_in_place_unless_quecvt(resource) {
        let [a, b, c] = players(resource);
        a.holds(1, Pr);
        let second = b.holds(2, Nl);
        let third = c.holds(3, Nl);
        b.convert(second, Request::new(Ex));
        assert_eq!(a.heard(), [bast(1, Ex)]);
        c.convert(third, Request::new(Cr).flags(Flags::QUECVT));
        assert_eq!(c.heard(), [], "behind the one that waits");
        c.manager.cancel(third).expect("accepted");
        assert_eq!(c.heard(), [ast(3, Status::Cancelled, Some(Nl))]);
        c.convert(third, Request::new(Cr));
        let heard = c.heard();
        assert_eq!(heard.first(), Some(&granted(3, Cr)), "in place");
    }

    fn a_conversion_goes_before_a_request(resource) {
        let [a, b, c] = players(resource);
        let held = a.holds(1, Ex);
        let second = b.holds(2, Nl);
        c.lock(3, Request::new(Ex));
        b.convert(second, Request::new(Ex));
        a.unlock(held);
        assert_eq!(b.heard(), [granted(2, Ex), bast(2, Ex)]);
        assert_eq!(c.heard(), []);
    }

    fn noqueue_keeps_the_mode_of_a_conversion(resource) {
        let [a, b] = players(resource);
        a.holds(1, Cr);
        let second = b.holds(2, Cr);
        b.convert(second, Request::new(Ex).flags(Flags::NOQUEUE));
        assert_eq!(b.heard(), [ast(2, Status::Again, Some(Cr))]);
        assert_eq!(a.heard(), []);
        b.convert(second, Request::new(Ex).flags(Flags::NOQUEUE | Flags::NOQUEUEBAST));
        assert_eq!(b.heard(), [ast(2, Status::Again, Some(Cr))]);
        assert_eq!(a.heard(), [bast(1, Ex)]);
    }

    fn one_notice_for_each_level_of_conflict(resource) {
        let [a, b, c] = players(resource);
        let held = a.holds(1, Ex);
        b.lock(2, Request::new(Cr));
        assert_eq!(a.heard(), [bast(1, Cr)]);
        c.lock(3, Request::new(Cr));
        assert_eq!(a.heard(), [], "of the same level");
        c.lock(4, Request::new(Pr));
        assert_eq!(a.heard(), [bast(1, Pr)], "of a higher one");
        a.convert(held, Request::new(Cr));
        assert_eq!(a.heard(), [granted(1, Cr)]);
        assert_eq!(b.heard(), [granted(2, Cr)]);
        assert_eq!(c.heard(), [granted(3, Cr), granted(4, Pr)]);
    }

    fn two_conversions_that_wait_for_each_other(resource) {
        let [a, b] = players(resource);
        let first = a.holds(1, Pr);
        let second = b.holds(2, Pr);
        a.convert(first, Request::new(Ex));
        assert_eq!(b.heard(), [bast(2, Ex)]);
        b.convert(second, Request::new(Ex));
        assert_eq!(b.heard(), [ast(2, Status::Deadlock, Some(Pr))]);
        b.convert(second, Request::new(Nl));
        assert_eq!(b.heard(), [granted(2, Nl)]);
        assert_eq!(a.heard(), [granted(1, Ex)]);
    }

    fn convdeadlk_gives_way(resource) {
        let [a, b] = players(resource);
        let first = a.holds(1, Pr);
        let second = b.holds(2, Pr);
        a.convert(first, Request::new(Ex));
        b.convert(second, Request::new(Ex).flags(Flags::CONVDEADLK));
        assert_eq!(a.heard(), [granted(1, Ex), bast(1, Ex)]);
        assert_eq!(b.heard(), [bast(2, Ex)], "of the time before it gave way");
        a.convert(first, Request::new(Nl));
        let demoted = StatusFlags::DEMOTED.0;
        let late = Heard::Ast { tag: 2, status: Status::Granted, flags: demoted, mode: Some(Ex), value: None };
        assert_eq!(b.heard(), [late]);
    }

    fn cancel_takes_back_what_waits(resource) {
        let [a, b] = players(resource);
        let held = a.holds(1, Pr);
        let request = b.lock(2, Request::new(Ex));
        b.manager.cancel(request).expect("accepted");
        assert_eq!(b.heard(), [ast(2, Status::Cancelled, None)]);
        assert_eq!(b.manager.cancel(request), Err(Refusal::UnknownLock));
        let second = b.holds(3, Pr);
        b.convert(second, Request::new(Ex));
        b.manager.cancel(second).expect("accepted");
        assert_eq!(b.heard(), [ast(3, Status::Cancelled, Some(Pr))]);
        a.manager.cancel(held).expect("nothing to cancel is no error");
        assert!(a.heard().iter().all(|heard| matches!(heard, Heard::Bast { .. })));
    }

    fn unlock_takes_back_what_waits(resource) {
        let [a, b] = players(resource);
        a.holds(1, Ex);
        for flags in [Flags::NONE, Flags::FORCEUNLOCK] {
            let waiting = b.lock(2, Request::new(Ex));
            // Until a master on another machine has answered, the kernel refuses an unlock without force (EBUSY).
            assert_eq!(b.heard(), []);
            b.manager.unlock(waiting, flags).expect("accepted");
            assert_eq!(b.heard(), [ast(2, Status::Unlocked, None)]);
        }
    }

    fn the_way_of_the_value_block(resource) {
        let [a, b] = players(resource);
        let reader = b.lock(9, Request::new(Nl).lvb(&value(0)));
        b.heard();
        let mut stored = 0;
        for from in Mode::ALL {
            for to in Mode::ALL {
                // Every conversion begins with its own value in the resource.
                stored += 1;
                let lock = a.lock(1, Request::new(Ex).lvb(&value(0)));
                a.heard();
                a.convert(lock, Request::new(from).lvb(&value(stored)));
                a.heard();
                stored += 1;
                a.convert(lock, Request::new(to).lvb(&value(stored)));
                let writes = from >= Pw && (from, to) != (Pw, Ex);
                let returned = if writes {
                    None
                } else {
                    stored -= 1;
                    (to >= from).then_some(stored)
                };
                let expected = Heard::Ast { tag: 1, status: Status::Granted, flags: 0, mode: Some(to), value: returned };
                assert_eq!(a.heard(), [expected], "{from:?} to {to:?}");
                a.convert(lock, Request::new(Nl));
                a.heard();
                a.unlock(lock);
                a.heard();
                b.convert(reader, Request::new(Nl).lvb(&value(0)));
                let read = Heard::Ast { tag: 9, status: Status::Granted, flags: 0, mode: Some(Nl), value: Some(stored) };
                assert_eq!(b.heard(), [read], "after {from:?} to {to:?}");
            }
        }
    }

    fn unlock_writes_the_value_block(resource) {
        let [a, b] = players(resource);
        let reader = b.lock(9, Request::new(Nl).lvb(&value(0)));
        b.heard();
        let read = |expected: u8, what: &str| {
            b.convert(reader, Request::new(Nl).lvb(&value(0)));
            let heard = b.heard();
            assert!(
                matches!(heard[..], [Heard::Ast { value: Some(found), .. }] if found == expected),
                "{what}: {heard:?}"
            );
        };
        let lock = a.lock(1, Request::new(Ex).lvb(&value(3)));
        a.heard();
        a.convert(lock, Request::new(Ex).lvb(&value(4)));
        a.heard();
        a.unlock(lock);
        assert_eq!(a.heard(), [ast(1, Status::Unlocked, None)]);
        read(4, "written once more by the unlock");
        let lock = a.lock(1, Request::new(Nl).lvb(&value(0)));
        a.heard();
        a.convert(lock, Request::new(Pw));
        a.heard();
        a.unlock(lock);
        a.heard();
        read(4, "the last operation moved no block");
    }

    fn an_invalidated_value_block_says_so(resource) {
        let [a, b] = players(resource);
        let lock = a.lock(1, Request::new(Ex).lvb(&value(0)));
        a.heard();
        a.convert(lock, Request::new(Pw).lvb(&value(5)));
        a.heard();
        let invalidate = Flags::VALBLK | Flags::IVVALBLK;
        a.convert(lock, Request::new(Nl).lvb(&value(6)).flags(invalidate));
        a.heard();
        let invalid = StatusFlags::VALNOTVALID.0;
        let read = |tag, flags, found| {
            b.lock(tag, Request::new(Cr).lvb(&value(0)));
            let expected = Heard::Ast { tag, status: Status::Granted, flags, mode: Some(Cr), value: Some(found) };
            assert_eq!(b.heard(), [expected]);
        };
        read(2, invalid, 5);
        let writer = b.lock(3, Request::new(Pw).lvb(&value(0)));
        b.heard();
        b.convert(writer, Request::new(Nl).lvb(&value(7)));
        b.heard();
        read(4, 0, 7);
    }

    fn alternative_modes(resource) {
        let [a, b] = players(resource);
        a.holds(1, Pr);
        let alternative = StatusFlags::ALTMODE.0;
        let second = b.lock(2, Request::new(Ex).flags(Flags::ALTPR));
        let in_pr = Heard::Ast { tag: 2, status: Status::Granted, flags: alternative, mode: Some(Pr), value: None };
        assert_eq!(b.heard(), [in_pr]);
        b.unlock(second);
        b.heard();
        b.lock(3, Request::new(Ex).flags(Flags::ALTCW | Flags::NOQUEUE));
        assert_eq!(b.heard(), [ast(3, Status::Again, None)], "CW does not go with PR either");
    }

    fn what_does_not_fit_is_refused(resource) {
        let [a] = players(resource);
        let too_long = "x".repeat(65);
        let request = Request::new(Nl);
        let refused = a.ask(&too_long, 1, &request);
        assert_eq!(refused, Err(Refusal::NameTooLong));
        for (request, refusal) in [
            (request.flags(Flags::QUECVT), Refusal::QueueConversionOfRequest),
            (request.flags(Flags::CONVDEADLK), Refusal::DeadlockFlagOfRequest),
            (request.flags(Flags::EXPEDITE | Flags::NOQUEUE), Refusal::ExpediteWithNoQueue),
            (Request::new(Cr).flags(Flags::EXPEDITE), Refusal::ExpediteMode),
            (request.flags(Flags::VALBLK), Refusal::ValueBlockMissing),
            (request.flags(Flags::CANCEL), Refusal::CancelInRequest),
        ] {
            assert_eq!(a.try_lock(1, request), Err(refusal));
        }
        let lock = a.holds(1, Pr);
        for (request, refusal) in [
            (request.flags(Flags::QUECVT), Refusal::QueueConversionModes),
            (Request::new(Ex).flags(Flags::EXPEDITE), Refusal::ExpediteConversion),
            (Request::new(Ex).flags(Flags::CONVDEADLK | Flags::NOQUEUE), Refusal::DeadlockFlagWithNoQueue),
        ] {
            assert_eq!(a.try_convert(lock, request), Err(refusal));
        }
        assert_eq!(a.manager.unlock(lock, Flags::NOQUEUE), Err(Refusal::UnlockFlags));
        assert_eq!(a.try_convert(0, request), Err(Refusal::ConvertWithoutLock));
        a.unlock(lock);
        assert_eq!(a.heard(), [ast(1, Status::Unlocked, None)]);
        assert_eq!(a.try_convert(lock, request), Err(Refusal::UnknownLock));
        assert_eq!(a.manager.unlock(lock, Flags::NONE), Err(Refusal::UnknownLock));
    }

    fn a_node_that_goes_leaves_its_locks(resource) {
        let [a, b] = players(resource);
        a.holds(1, Ex);
        b.lock(2, Request::new(Ex));
        assert_eq!(b.heard(), []);
        drop(a);
        let deadline = Instant::now() + PATIENCE;
        let mut heard = b.heard();
        while heard.is_empty() && Instant::now() < deadline {
            heard = b.heard();
        }
        assert_eq!(heard, [granted(2, Ex)]);
    }

    fn compatible_conversions_of_many_nodes(resource) {
        let all: [Player; 4] = players(resource);
        let locks: Vec<u64> = all.iter().map(|player| player.holds(1, Nl)).collect();
        for (player, lock) in all.iter().zip(&locks) {
            player.convert(*lock, Request::new(Cw));
            assert_eq!(player.heard(), [granted(1, Cw)]);
        }
        all[0].convert(locks[0], Request::new(Pr));
        assert_eq!(all[0].heard(), [], "PR waits for three CW");
        for (player, lock) in all.iter().zip(&locks).skip(1) {
            assert_eq!(player.heard(), [bast(1, Pr)]);
            player.convert(*lock, Request::new(Cr));
            assert_eq!(player.heard(), [granted(1, Cr)]);
        }
        assert_eq!(all[0].heard(), [granted(1, Pr)]);
    }
}

/// Takes every rule's resource in NL, which makes this machine their master, says so in the file that
/// SLOTMARK_HOLDING names, and holds them until that file is gone.
#[test]
#[ignore = "for another machine of the cluster"]
fn hold_every_resource() {
    let path = std::env::var("SLOTMARK_HOLDING").expect("the file's path");
    let node = kernel_node();
    let queue = CallbackQueue::new();
    for resource in RESOURCES {
        let request = Request::new(Nl).flags(Flags::EXPEDITE);
        node.lock_with(resource.as_bytes(), 1, &request, queue.clone())
            .expect("accepted");
        let deadline = Some(Instant::now() + PATIENCE);
        let waited = queue.wait(Wait { deadline, spins: 0 });
        assert!(
            matches!(
                waited,
                Waited::Event(Event::Ast {
                    status: Status::Granted,
                    ..
                })
            ),
            "{waited:?}"
        );
    }
    std::fs::write(&path, "").expect("written");
    while std::path::Path::new(&path).exists() {
        std::thread::sleep(Duration::from_millis(100));
    }
}
