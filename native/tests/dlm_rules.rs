//! One test for each rule of spec §7, in the order of the spec.

use slotmark_native::dlm::{
    CallbackQueue, Event, Flags, LockId, Lockspace, MemberSlot, Mode, Node, Refusal, Request,
    Status, StatusFlags, Wait, Waited, lvb_from,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

use Mode::{Cr, Cw, Ex, Nl, Pr, Pw};

struct Player {
    node: Node,
    queue: Arc<CallbackQueue>,
}

impl Player {
    fn new(lockspace: &Arc<Lockspace>, number: u32) -> Player {
        let queue = CallbackQueue::new();
        let node = lockspace.join(number, queue.clone()).expect("a new node");
        Player { node, queue }
    }

    fn lock(&self, request: Request<'_>) -> LockId {
        self.node
            .lock(b"resource", 0, &request.blocking_callbacks())
            .expect("accepted")
    }

    fn convert(&self, lock: LockId, request: Request<'_>) {
        self.node
            .convert(lock, &request.blocking_callbacks())
            .expect("accepted");
    }

    /// A lock granted in this mode, its completion consumed.
    fn holds(&self, mode: Mode) -> LockId {
        let lock = self.lock(Request::new(mode));
        assert_eq!(self.heard(), [granted(lock, mode)]);
        lock
    }

    /// What was heard since the last call, without the recovery callbacks.
    fn heard(&self) -> Vec<Event> {
        std::iter::from_fn(|| self.queue.poll())
            .filter(|event| matches!(event, Event::Ast { .. } | Event::Bast { .. }))
            .collect()
    }

    fn recovery_heard(&self) -> Vec<Event> {
        std::iter::from_fn(|| self.queue.poll())
            .filter(|event| !matches!(event, Event::Ast { .. } | Event::Bast { .. }))
            .collect()
    }
}

fn players<const N: usize>() -> [Player; N] {
    let lockspace = Lockspace::unlisted("rules").expect("a good name");
    let players = std::array::from_fn(|number| Player::new(&lockspace, number as u32 + 1));
    for player in &players {
        player.recovery_heard();
    }
    players
}

fn ast(
    lock: LockId,
    status: Status,
    flags: u8,
    mode: Option<Mode>,
    lvb: Option<[u8; 64]>,
) -> Event {
    Event::Ast {
        lock,
        tag: 0,
        status,
        flags: StatusFlags(flags),
        mode,
        lvb,
    }
}

fn granted(lock: LockId, mode: Mode) -> Event {
    ast(lock, Status::Granted, 0, Some(mode), None)
}

fn bast(lock: LockId, mode: Mode) -> Event {
    Event::Bast { lock, tag: 0, mode }
}

#[test]
fn every_pair_of_modes() {
    for held in Mode::ALL {
        for asked in Mode::ALL {
            let [a, b] = players();
            a.holds(held);
            let lock = b.lock(Request::new(asked).flags(Flags::NOQUEUE));
            let heard = b.heard();
            if held.goes_with(asked) {
                assert_eq!(heard, [granted(lock, asked)]);
            } else {
                assert_eq!(heard, [ast(lock, Status::Again, 0, None, None)]);
                let again = b.node.convert(lock, &Request::new(Nl));
                assert_eq!(
                    again,
                    Err(Refusal::UnknownLock),
                    "a failed request leaves no lock"
                );
            }
        }
    }
}

#[test]
fn expedite_passes_what_waits() {
    let [a, b, c] = players();
    a.holds(Ex);
    b.lock(Request::new(Ex));
    let late = c.lock(Request::new(Nl));
    assert_eq!(c.heard(), [], "a plain NL waits behind the queue");
    let expedited = c.lock(Request::new(Nl).flags(Flags::EXPEDITE));
    assert_eq!(c.heard(), [granted(expedited, Nl)]);
    assert_eq!(
        c.node.convert(late, &Request::new(Nl)),
        Err(Refusal::OperationOutstanding)
    );
}

#[test]
fn conversions_overtake_in_place_unless_quecvt() {
    let [a, b, c] = players();
    let pr = a.holds(Pr);
    let other = b.holds(Nl);
    let third = c.holds(Nl);
    b.convert(other, Request::new(Ex));
    assert_eq!((a.heard(), b.heard()), (vec![bast(pr, Ex)], vec![]));
    c.convert(third, Request::new(Cr));
    assert_eq!(
        c.heard(),
        [granted(third, Cr), bast(third, Ex)],
        "in place, past the conversion that waits, and then in its way"
    );
    c.convert(third, Request::new(Nl));
    c.heard();
    c.convert(third, Request::new(Cr).flags(Flags::QUECVT));
    assert_eq!(c.heard(), [], "QUECVT goes behind it");
    a.convert(pr, Request::new(Nl));
    assert_eq!(b.heard(), [granted(other, Ex), bast(other, Cr)]);
}

#[test]
fn queued_conversions_in_order_and_headque_first() {
    let [a, b, c] = players();
    let ex = a.holds(Ex);
    let (first, second) = (b.holds(Nl), c.holds(Nl));
    b.convert(first, Request::new(Ex));
    c.convert(second, Request::new(Ex).flags(Flags::HEADQUE));
    a.convert(ex, Request::new(Nl));
    assert_eq!(a.heard(), [bast(ex, Ex), granted(ex, Nl)]);
    // The grant, and at once the notice that the other still waits.
    assert_eq!(
        c.heard(),
        [granted(second, Ex), bast(second, Ex)],
        "HEADQUE went before"
    );
    assert_eq!(b.heard(), []);
    c.convert(second, Request::new(Nl));
    assert_eq!(b.heard(), [granted(first, Ex)]);
}

#[test]
fn requests_wait_behind_conversions_and_requests_unless_noorder() {
    let [a, b, c] = players();
    let held = a.holds(Pr);
    let waiting = b.lock(Request::new(Ex));
    assert_eq!(a.heard(), [bast(held, Ex)]);
    let behind = c.lock(Request::new(Pr));
    assert_eq!(c.heard(), [], "compatible with what is held, but behind EX");
    let past = c.lock(Request::new(Pr).flags(Flags::NOORDER));
    assert_eq!(c.heard(), [granted(past, Pr)]);
    c.node.unlock(past, Flags::NONE, None).expect("held");
    a.node.unlock(held, Flags::NONE, None).expect("held");
    assert_eq!(
        b.heard(),
        [granted(waiting, Ex), bast(waiting, Pr)],
        "and the one behind it still waits"
    );
    assert_eq!(c.heard(), [ast(past, Status::Unlocked, 0, None, None)]);
    b.node.unlock(waiting, Flags::NONE, None).expect("held");
    assert_eq!(c.heard(), [granted(behind, Pr)]);
}

#[test]
fn conversion_deadlock_is_refused_to_the_one_who_closes_it() {
    // The dance of the first patch: two receivers, both CR → EX.
    let [a, b] = players();
    let (first, second) = (a.holds(Cr), b.holds(Cr));
    a.convert(first, Request::new(Ex));
    assert_eq!(b.heard(), [bast(second, Ex)]);
    b.convert(second, Request::new(Ex));
    assert_eq!(
        b.heard(),
        [ast(second, Status::Deadlock, 0, Some(Cr), None)]
    );
    b.convert(second, Request::new(Nl));
    assert_eq!(a.heard(), [granted(first, Ex)]);
}

#[test]
fn convdeadlk_demotes_and_nodlckwt_waits() {
    let [a, b] = players();
    let (first, second) = (a.holds(Pr), b.holds(Pr));
    a.convert(first, Request::new(Ex));
    b.heard();
    b.convert(second, Request::new(Ex).flags(Flags::CONVDEADLK));
    assert_eq!(a.heard(), [granted(first, Ex), bast(first, Ex)]);
    assert_eq!(b.heard(), []);
    a.node.unlock(first, Flags::NONE, None).expect("held");
    assert_eq!(
        b.heard(),
        [ast(
            second,
            Status::Granted,
            StatusFlags::DEMOTED.0,
            Some(Ex),
            None
        )]
    );

    let [a, b] = players();
    let (first, second) = (a.holds(Pr), b.holds(Pr));
    a.convert(first, Request::new(Ex));
    b.heard();
    b.convert(second, Request::new(Ex).flags(Flags::NODLCKWT));
    assert_eq!(
        (a.heard(), b.heard()),
        (vec![], vec![]),
        "both wait for each other"
    );
    a.node.cancel(first).expect("queued");
    assert_eq!(
        a.heard()[0],
        ast(first, Status::Cancelled, 0, Some(Pr), None)
    );
}

#[test]
fn alternative_modes() {
    let [a, b] = players();
    a.holds(Pr);
    let lock = b.lock(Request::new(Ex).flags(Flags::ALTPR));
    assert_eq!(
        b.heard(),
        [ast(
            lock,
            Status::Granted,
            StatusFlags::ALTMODE.0,
            Some(Pr),
            None
        )]
    );
    let [a, b] = players();
    a.holds(Cw);
    let lock = b.lock(Request::new(Ex).flags(Flags::ALTCW));
    assert_eq!(
        b.heard(),
        [ast(
            lock,
            Status::Granted,
            StatusFlags::ALTMODE.0,
            Some(Cw),
            None
        )]
    );
}

#[test]
fn a_failed_noqueue_conversion_keeps_its_mode_and_calls_nobody_unless_asked() {
    let [a, b] = players();
    let (held, lock) = (a.holds(Pr), b.holds(Cr));
    b.convert(lock, Request::new(Ex).flags(Flags::NOQUEUE));
    assert_eq!(b.heard(), [ast(lock, Status::Again, 0, Some(Cr), None)]);
    assert_eq!(a.heard(), []);
    b.convert(
        lock,
        Request::new(Ex).flags(Flags::NOQUEUE | Flags::NOQUEUEBAST),
    );
    assert_eq!(b.heard(), [ast(lock, Status::Again, 0, Some(Cr), None)]);
    assert_eq!(a.heard(), [bast(held, Ex)]);
}

#[test]
fn one_blocking_callback_for_a_level_of_conflict() {
    let [a, b, c, d] = players();
    let held = a.holds(Pw);
    b.lock(Request::new(Pr));
    assert_eq!(a.heard(), [bast(held, Pr)]);
    c.lock(Request::new(Pr));
    assert_eq!(a.heard(), [], "no reminder");
    d.lock(Request::new(Ex));
    assert_eq!(a.heard(), [bast(held, Ex)], "a higher level");
    a.convert(held, Request::new(Pw));
    assert_eq!(
        a.heard(),
        [granted(held, Pw), bast(held, Ex)],
        "granted again: told again"
    );
}

#[test]
fn without_blocking_callbacks_none_come() {
    let [a, b] = players();
    let held = a
        .node
        .lock(b"resource", 0, &Request::new(Ex))
        .expect("accepted");
    a.heard();
    b.lock(Request::new(Ex));
    assert_eq!(a.heard(), []);
    a.node.unlock(held, Flags::NONE, None).expect("held");
}

#[test]
fn cancel_gives_back_the_old_state() {
    let [a, b, c] = players();
    let held = a.holds(Pr);
    let converting = b.holds(Cr);
    b.convert(converting, Request::new(Ex));
    let requested = c.lock(Request::new(Ex));
    c.node.cancel(requested).expect("queued");
    assert_eq!(
        c.heard(),
        [ast(requested, Status::Cancelled, 0, None, None)]
    );
    assert_eq!(c.node.cancel(requested), Err(Refusal::UnknownLock));
    b.node.cancel(converting).expect("queued");
    assert_eq!(
        b.heard(),
        [ast(converting, Status::Cancelled, 0, Some(Cr), None)]
    );
    assert_eq!(b.node.cancel(converting), Err(Refusal::CancelTwice));
    b.convert(converting, Request::new(Cr));
    b.heard();
    b.node
        .cancel(converting)
        .expect("nothing to cancel is no error");
    assert_eq!(b.heard(), [], "and no completion");
    a.node.unlock(held, Flags::NONE, None).expect("held");
}

#[test]
fn forceunlock_takes_a_lock_that_waits() {
    let [a, b, c] = players();
    let held = a.holds(Pr);
    let converting = b.holds(Cr);
    b.convert(converting, Request::new(Ex));
    let requested = c.lock(Request::new(Pr));
    b.node
        .unlock(converting, Flags::FORCEUNLOCK, None)
        .expect("queued");
    assert_eq!(
        b.heard(),
        [ast(converting, Status::Unlocked, 0, None, None)]
    );
    assert_eq!(
        c.heard(),
        [granted(requested, Pr)],
        "nothing is in its way any more"
    );
    let waiting = c.lock(Request::new(Ex));
    c.node
        .unlock(waiting, Flags::FORCEUNLOCK, None)
        .expect("queued");
    let unlocked = ast(waiting, Status::Unlocked, 0, None, None);
    assert_eq!(c.heard(), [bast(requested, Ex), unlocked]);
    a.node.unlock(held, Flags::NONE, None).expect("held");
}

#[test]
fn the_value_block_by_every_conversion() {
    // '-' nothing, R returned, W written; rows and columns NL to EX.
    let table = ["RRRRRR", "-RRRRR", "--RRRR", "---RRR", "WWWWWR", "WWWWWW"];
    for (from, row) in Mode::ALL.into_iter().zip(table) {
        for (to, way) in Mode::ALL.into_iter().zip(row.chars()) {
            let [a] = players();
            let writer = a.lock(Request::new(Ex));
            a.convert(writer, Request::new(Nl).lvb(&[7; 64]));
            let lock = a.lock(Request::new(from));
            a.heard();
            a.convert(lock, Request::new(to).lvb(&[9; 64]));
            let returned = (way == 'R').then_some([7; 64]);
            assert_eq!(
                a.heard(),
                [ast(lock, Status::Granted, 0, Some(to), returned)],
                "{from:?} to {to:?}"
            );
            a.convert(lock, Request::new(Nl));
            a.heard();
            a.convert(writer, Request::new(Nl).lvb(&[0; 64]));
            let now = Some(if way == 'W' { [9; 64] } else { [7; 64] });
            assert_eq!(
                a.heard(),
                [ast(writer, Status::Granted, 0, Some(Nl), now)],
                "{from:?} to {to:?}"
            );
        }
    }
}

#[test]
fn a_block_that_was_never_written_is_not_returned() {
    let [a] = players();
    let lock = a.lock(Request::new(Nl).lvb(&[5; 64]));
    assert_eq!(a.heard(), [granted(lock, Nl)]);
}

#[test]
fn unlock_writes_and_invalidates() {
    let [a, b] = players();
    let observer = b.holds(Nl);
    let lock = a.lock(Request::new(Pw).lvb(&[1; 64]));
    a.node
        .unlock(lock, Flags::VALBLK, Some(&[3; 64]))
        .expect("held");
    b.convert(observer, Request::new(Nl).lvb(&[0; 64]));
    assert_eq!(
        b.heard(),
        [ast(observer, Status::Granted, 0, Some(Nl), Some([3; 64]))]
    );
    let lock = a.lock(Request::new(Ex).lvb(&[1; 64]));
    a.node.unlock(lock, Flags::IVVALBLK, None).expect("held");
    b.convert(observer, Request::new(Nl).lvb(&[0; 64]));
    let flag = StatusFlags::VALNOTVALID.0;
    assert_eq!(
        b.heard(),
        [ast(
            observer,
            Status::Granted,
            flag,
            Some(Nl),
            Some([3; 64])
        )]
    );
    let lock = a.lock(Request::new(Ex).lvb(&[1; 64]));
    a.convert(lock, Request::new(Nl).lvb(&[4; 64]));
    b.convert(observer, Request::new(Nl).lvb(&[0; 64]));
    assert_eq!(
        b.heard(),
        [ast(observer, Status::Granted, 0, Some(Nl), Some([4; 64]))],
        "written: valid again"
    );
}

#[test]
fn a_conversion_without_a_value_block_may_invalidate_it() {
    let [a, b] = players();
    let observer = b.holds(Nl);
    let lock = a.lock(Request::new(Ex).lvb(&[1; 64]));
    a.convert(lock, Request::new(Nl).lvb(&[1; 64]));
    a.convert(lock, Request::new(Ex));
    a.convert(lock, Request::new(Nl).flags(Flags::IVVALBLK));
    b.convert(observer, Request::new(Cr));
    let flag = StatusFlags::VALNOTVALID.0;
    assert_eq!(
        b.heard(),
        [ast(observer, Status::Granted, 0, Some(Cr), None)],
        "upwards, and without VALBLK: not told"
    );
    b.convert(observer, Request::new(Nl));
    assert_eq!(
        b.heard(),
        [ast(observer, Status::Granted, flag, Some(Nl), None)],
        "downwards: told, as in the kernel"
    );
}

#[test]
fn death_of_a_writer_on_a_surviving_master() {
    let [a, b] = players();
    let observer = a.holds(Nl);
    let lock = b.lock(Request::new(Ex).lvb(&[1; 64]));
    b.convert(lock, Request::new(Ex).lvb(&[2; 64]));
    a.convert(observer, Request::new(Pr).lvb(&[0; 64]));
    assert_eq!(a.heard(), []);
    a.node.lockspace().nodes_died(&[2]).expect("a member");
    let heard: Vec<Event> = std::iter::from_fn(|| a.queue.poll()).collect();
    assert_eq!(
        heard,
        [
            Event::RecoverPrep,
            Event::RecoverSlot { slot: 2, node: 2 },
            Event::RecoverDone {
                slot: 1,
                generation: 3
            },
            ast(
                observer,
                Status::Granted,
                StatusFlags::VALNOTVALID.0,
                Some(Pr),
                Some([2; 64])
            ),
        ]
    );
    assert_eq!(
        b.node.convert(lock, &Request::new(Nl)),
        Err(Refusal::NodeGone)
    );
    assert_eq!(
        b.node.lock(b"resource", 0, &Request::new(Nl)),
        Err(Refusal::NodeGone)
    );
}

#[test]
fn a_new_master_takes_the_block_from_a_survivor() {
    // Node 1 is master and dies; node 2's CR has seen the block, so it is kept but may be out of date.
    let [a, b] = players();
    let master = a.lock(Request::new(Ex).lvb(&[1; 64]));
    a.convert(master, Request::new(Cr).lvb(&[6; 64]));
    let survivor = b.lock(Request::new(Cr).lvb(&[0; 64]));
    b.heard();
    b.node.lockspace().nodes_died(&[1]).expect("a member");
    b.convert(survivor, Request::new(Cr).lvb(&[0; 64]));
    let flag = StatusFlags::VALNOTVALID.0;
    assert_eq!(
        b.heard(),
        [ast(
            survivor,
            Status::Granted,
            flag,
            Some(Cr),
            Some([6; 64])
        )]
    );

    // With PR it is certain that nobody wrote since.
    let [a, b] = players();
    let master = a.lock(Request::new(Ex).lvb(&[1; 64]));
    a.convert(master, Request::new(Nl).lvb(&[6; 64]));
    let survivor = b.lock(Request::new(Pr).lvb(&[0; 64]));
    b.heard();
    b.node.lockspace().nodes_died(&[1]).expect("a member");
    b.convert(survivor, Request::new(Pr).lvb(&[0; 64]));
    assert_eq!(
        b.heard(),
        [ast(survivor, Status::Granted, 0, Some(Pr), Some([6; 64]))]
    );
}

#[test]
fn after_a_death_conversions_are_granted_without_order() {
    let [a, b, c] = players();
    a.holds(Ex);
    let first = b.holds(Nl);
    let second = c.holds(Nl);
    b.convert(first, Request::new(Pw));
    c.convert(second, Request::new(Cr));
    b.node.lockspace().nodes_died(&[1]).expect("a member");
    assert_eq!(b.heard(), [granted(first, Pw)]);
    assert_eq!(c.heard(), [granted(second, Cr)]);
}

#[test]
fn slots_as_fs_dlm_gives_them() {
    let lockspace = Lockspace::unlisted("slots").expect("a good name");
    let quiet = || CallbackQueue::new() as Arc<dyn slotmark_native::dlm::Sink>;
    let slots = || -> Vec<(u32, u32)> {
        lockspace
            .members()
            .iter()
            .map(|MemberSlot { node, slot }| (*node, *slot))
            .collect()
    };
    let nodes = lockspace
        .join_together(vec![(30, quiet()), (10, quiet()), (20, quiet())])
        .expect("new");
    assert_eq!(
        slots(),
        [(10, 1), (20, 2), (30, 3)],
        "in the order of node numbers"
    );
    assert_eq!(lockspace.join(20, quiet()).err(), Some(Refusal::NodeExists));
    assert_eq!(lockspace.join(0, quiet()).err(), Some(Refusal::ZeroNode));
    nodes[0].leave(false).expect("it has no locks");
    let late = lockspace.join(99, quiet()).expect("new");
    assert_eq!(
        (late.slot(), slots()),
        (1, vec![(99, 1), (20, 2), (30, 3)]),
        "the lowest free, others stay"
    );
    lockspace.nodes_died(&[20]).expect("a member");
    assert_eq!(lockspace.nodes_died(&[20]), Err(Refusal::NodeUnknown));
    assert_eq!(lockspace.join(20, quiet()).expect("new").slot(), 2);
    drop(late);
    assert_eq!(slots(), [(30, 3)], "dropped handles have left");
}

#[test]
fn leaving_is_no_failure_and_needs_force_with_locks() {
    let [a, b] = players();
    let held = a.holds(Ex);
    let waits = b.lock(Request::new(Ex));
    assert_eq!(a.node.leave(false), Err(Refusal::NodeHoldsLocks));
    assert!(a.node.is_member());
    assert_eq!(b.queue.poll(), None, "nobody heard of the attempt");
    a.node.leave(true).expect("a member");
    let heard: Vec<Event> = std::iter::from_fn(|| b.queue.poll()).collect();
    let done = Event::RecoverDone {
        slot: 2,
        generation: 3,
    };
    assert_eq!(
        heard,
        [Event::RecoverPrep, done, granted(waits, Ex)],
        "no RecoverSlot"
    );
    assert_eq!(a.node.leave(true), Err(Refusal::NodeUnknown));
    assert_eq!(
        a.node.unlock(held, Flags::NONE, None),
        Err(Refusal::NodeGone)
    );
}

#[test]
fn what_is_refused_and_how() {
    let [a, b] = players();
    let lock = a.holds(Cr);
    let flags = |flags: Flags| Request::new(Nl).flags(flags);
    let requests = [
        (flags(Flags::CONVERT), Refusal::ConvertWithoutLock),
        (flags(Flags::CANCEL), Refusal::CancelInRequest),
        (flags(Flags::QUECVT), Refusal::QueueConversionOfRequest),
        (flags(Flags::CONVDEADLK), Refusal::DeadlockFlagOfRequest),
        (
            flags(Flags::EXPEDITE | Flags::NOQUEUE),
            Refusal::ExpediteWithNoQueue,
        ),
        (
            Request::new(Cr).flags(Flags::EXPEDITE),
            Refusal::ExpediteMode,
        ),
        (flags(Flags::VALBLK), Refusal::ValueBlockMissing),
    ];
    for (request, refusal) in requests {
        assert_eq!(a.node.lock(b"resource", 0, &request), Err(refusal));
        assert_eq!((refusal.errno(), refusal.errno_name()), (22, "EINVAL"));
    }
    let conversions = [
        (
            flags(Flags::CONVDEADLK | Flags::NOQUEUE),
            Refusal::DeadlockFlagWithNoQueue,
        ),
        (flags(Flags::EXPEDITE), Refusal::ExpediteConversion),
        (flags(Flags::QUECVT), Refusal::QueueConversionModes),
        (flags(Flags::VALBLK), Refusal::ValueBlockMissing),
    ];
    for (request, refusal) in conversions {
        assert_eq!(a.node.convert(lock, &request), Err(refusal));
    }
    assert_eq!(
        a.node.lock(&[b'x'; 65], 0, &flags(Flags::NONE)),
        Err(Refusal::NameTooLong)
    );
    assert!(a.node.lock(&[b'x'; 64], 0, &flags(Flags::NONE)).is_ok());
    assert_eq!(
        a.node.unlock(lock, Flags::NOQUEUE, None),
        Err(Refusal::UnlockFlags)
    );
    assert_eq!(
        b.node.convert(lock, &flags(Flags::NONE)),
        Err(Refusal::UnknownLock),
        "another node's"
    );
    assert_eq!(Refusal::UnknownLock.errno_name(), "ENOENT");
    for bits in [0, 1, u64::MAX, lock.to_bits() ^ 1 << 22] {
        assert!(
            a.node
                .convert(LockId::from_bits(bits), &flags(Flags::NONE))
                .is_err()
        );
    }
    a.node.unlock(lock, Flags::NONE, None).expect("held");
    assert_eq!(
        a.node.unlock(lock, Flags::NONE, None),
        Err(Refusal::UnknownLock),
        "released"
    );
    assert_eq!(lvb_from(&[0; 63]), Err(Refusal::LvbLength));
    assert!(Lockspace::unlisted("").is_err() && Lockspace::unlisted(&"x".repeat(65)).is_err());
    assert_eq!(
        Refusal::OperationOutstanding.to_string(),
        "EBUSY: an operation on this lock is still outstanding; wait for its completion, or cancel it"
    );
}

#[test]
fn one_lockspace_of_a_name_in_the_process() {
    let first = Lockspace::open("shared by name").expect("a good name");
    let second = Lockspace::open("shared by name").expect("a good name");
    assert!(Arc::ptr_eq(&first, &second));
    let _node = first.join(1, CallbackQueue::new()).expect("new");
    assert_eq!(second.members().len(), 1);
    drop((first, second));
    let again = Lockspace::open("shared by name").expect("a good name");
    assert_eq!(again.members().len(), 1, "the node keeps it alive");
}

#[test]
fn every_wait_ends_from_outside() {
    let wait_while = |act: fn(&Player)| {
        let [player] = players();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| player.queue.wait(Wait::default()));
            // Whether it sleeps already or not must make no difference; most often it does.
            std::thread::yield_now();
            act(&player);
            waiting.join().expect("no panic")
        })
    };
    assert_eq!(wait_while(|player| player.queue.close()), Waited::Closed);
    assert_eq!(
        wait_while(|player| player.node.leave(true).expect("a member")),
        Waited::Closed
    );
    let died = wait_while(|player| player.node.lockspace().nodes_died(&[1]).expect("a member"));
    assert_eq!(died, Waited::Closed);
    let event = wait_while(|player| {
        player.lock(Request::new(Ex));
    });
    assert!(matches!(event, Waited::Event(Event::Ast { .. })));
}

#[test]
fn a_wait_can_be_interrupted_or_time_out() {
    let queue = CallbackQueue::new();
    let past = Wait {
        deadline: Some(Instant::now()),
        spins: 10,
    };
    assert_eq!(queue.wait(past), Waited::TimedOut);
    let soon = Wait {
        deadline: Some(Instant::now() + Duration::from_millis(5)),
        spins: 0,
    };
    assert_eq!(queue.wait(soon), Waited::TimedOut);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.wait(Wait::default()));
        while !waiting.is_finished() {
            queue.interrupt();
            std::thread::yield_now();
        }
        assert_eq!(waiting.join().expect("no panic"), Waited::Interrupted);
    });
    queue.close();
    assert_eq!(queue.wait(Wait::default()), Waited::Closed);
}
