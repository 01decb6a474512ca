//! Every interleaving of two threads and a few operations, by loom. Run by `.ci/loom`.
#![cfg(loom)]

use loom::sync::Arc as LoomArc;
use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread;
use slotmark_native::dlm::{
    Callback, CallbackQueue, Event, Flags, Lockspace, Mode, Node, Refusal, Request, Status, Wait,
    Waited,
};
use std::sync::Arc;

fn deaf() -> Arc<dyn slotmark_native::dlm::Sink> {
    Arc::new(|_: &Callback<'_>| {})
}

fn wait_for(queue: &CallbackQueue, wanted: Mode) {
    loop {
        match queue.wait(Wait::default()) {
            Waited::Event(Event::Ast {
                status: Status::Granted,
                mode: Some(mode),
                ..
            }) if mode == wanted => return,
            Waited::Event(_) => {}
            ended => panic!("{ended:?}"),
        }
    }
}

fn member(lockspace: &Arc<Lockspace>, number: u32) -> (Node, Arc<CallbackQueue>) {
    let queue = CallbackQueue::new();
    (lockspace.join(number, queue.clone()).expect("new"), queue)
}

/// Every interleaving; where that would take minutes, every one with at most so many preemptions.
fn explore(most_preemptions: Option<usize>, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = most_preemptions;
    builder.check(run);
}

#[test]
fn exclusive_is_exclusive_and_every_waiter_wakes() {
    explore(None, || {
        let lockspace = Lockspace::unlisted("loom").expect("a good name");
        let inside = LoomArc::new(AtomicUsize::new(0));
        let players: Vec<_> = [1, 2].map(|number| member(&lockspace, number)).into();
        let threads: Vec<_> = players
            .into_iter()
            .map(|(node, queue)| {
                let inside = LoomArc::clone(&inside);
                thread::spawn(move || {
                    let lock = node
                        .lock(b"token", 0, &Request::new(Mode::Ex))
                        .expect("good");
                    wait_for(&queue, Mode::Ex);
                    assert_eq!(inside.fetch_add(1, SeqCst), 0, "two holders of EX");
                    inside.fetch_sub(1, SeqCst);
                    node.convert(lock, &Request::new(Mode::Nl)).expect("held");
                    node
                })
            })
            .collect();
        let nodes: Vec<Node> = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect();
        assert_eq!(lockspace.granted_modes(b"token"), [Mode::Nl, Mode::Nl]);
        drop(nodes);
        assert_eq!(lockspace.resource_count(), 0);
    });
}

/// A resource comes and goes with its last lock while the other thread looks it up.
#[test]
fn a_resource_is_never_lost_between_its_last_lock_and_the_next() {
    explore(None, || {
        let lockspace = Lockspace::unlisted("loom").expect("a good name");
        let nodes = [1, 2].map(|number| lockspace.join(number, deaf()).expect("new"));
        let threads = nodes.map(|node| {
            thread::spawn(move || {
                let request = Request::new(Mode::Pr);
                let mut name = b"token";
                if node.number() == 1 {
                    let lock = node.lock(name, 0, &request).expect("good");
                    node.unlock(lock, Flags::NONE, None).expect("held");
                    assert_eq!(
                        node.unlock(lock, Flags::NONE, None),
                        Err(Refusal::UnknownLock)
                    );
                    // It may get the place that the other thread has found under the old name.
                    name = b"other";
                }
                let lock = node.lock(name, 0, &request).expect("good");
                (node, lock)
            })
        });
        let held = threads.map(|thread| thread.join().expect("no panic"));
        assert_eq!(lockspace.granted_modes(b"token"), [Mode::Pr]);
        assert_eq!(lockspace.granted_modes(b"other"), [Mode::Pr]);
        for (node, lock) in held {
            node.unlock(lock, Flags::NONE, None).expect("held");
        }
        assert_eq!(lockspace.resource_count(), 0);
    });
}

/// Three events, one sleeper: it is woken for each that it has not seen.
#[test]
fn no_wake_up_is_lost() {
    explore(None, || {
        let lockspace = Lockspace::unlisted("loom").expect("a good name");
        let (node, queue) = member(&lockspace, 1);
        assert!(matches!(queue.poll(), Some(Event::RecoverDone { .. })));
        let worker = thread::spawn(move || {
            let lock = node
                .lock(b"token", 0, &Request::new(Mode::Nl))
                .expect("good");
            node.convert(lock, &Request::new(Mode::Ex)).expect("held");
            node.unlock(lock, Flags::NONE, None).expect("held");
            node
        });
        for _ in 0..3 {
            assert!(matches!(
                queue.wait(Wait::default()),
                Waited::Event(Event::Ast { .. })
            ));
        }
        drop(worker.join().expect("no panic"));
        assert_eq!(queue.wait(Wait::default()), Waited::Closed);
    });
}

/// Locking stands still from RecoverPrep to RecoverDone, for operations that were under way, too.
#[test]
fn no_completion_in_the_middle_of_a_recovery() {
    explore(None, || {
        let lockspace = Lockspace::unlisted("loom").expect("a good name");
        let (node, queue) = member(&lockspace, 1);
        let lock = node
            .lock(b"token", 0, &Request::new(Mode::Nl))
            .expect("good");
        while queue.poll().is_some() {}
        let joining = {
            let lockspace = Arc::clone(&lockspace);
            thread::spawn(move || lockspace.join(2, deaf()).expect("new"))
        };
        node.convert(lock, &Request::new(Mode::Ex)).expect("held");
        let second = joining.join().expect("no panic");
        let heard: Vec<Event> = std::iter::from_fn(|| queue.poll()).collect();
        let prep = heard
            .iter()
            .position(|event| *event == Event::RecoverPrep)
            .expect("told");
        assert_eq!(
            heard[prep + 1],
            Event::RecoverDone {
                slot: 1,
                generation: 2
            }
        );
        drop((node, second));
    });
}

/// A node dies while it works and while another waits for what it holds.
#[test]
fn death_during_operations_frees_what_was_held() {
    explore(Some(3), || {
        let lockspace = Lockspace::unlisted("loom").expect("a good name");
        let (dying, _) = member(&lockspace, 1);
        let (survivor, queue) = member(&lockspace, 2);
        let lock = dying
            .lock(b"token", 0, &Request::new(Mode::Ex))
            .expect("good");
        let killer = {
            let lockspace = Arc::clone(&lockspace);
            thread::spawn(move || lockspace.nodes_died(&[1]).expect("a member"))
        };
        let worker = thread::spawn(move || {
            let converted = dying.convert(lock, &Request::new(Mode::Pw));
            assert!(
                matches!(converted, Ok(()) | Err(Refusal::NodeGone)),
                "{converted:?}"
            );
            dying
        });
        let own = survivor
            .lock(b"token", 0, &Request::new(Mode::Ex))
            .expect("good");
        killer.join().expect("no panic");
        let heard: Vec<Event> = std::iter::from_fn(|| queue.poll()).collect();
        let prep = heard
            .iter()
            .position(|event| *event == Event::RecoverPrep)
            .expect("told");
        // Locking stands still from RecoverPrep to RecoverDone.
        assert_eq!(heard[prep + 1], Event::RecoverSlot { slot: 1, node: 1 });
        assert_eq!(
            heard[prep + 2],
            Event::RecoverDone {
                slot: 2,
                generation: 3
            }
        );
        assert_eq!(
            heard
                .iter()
                .filter(|event| matches!(event, Event::Ast { .. }))
                .count(),
            1
        );
        let dead = worker.join().expect("no panic");
        assert_eq!(
            dead.lock(b"token", 0, &Request::new(Mode::Nl)),
            Err(Refusal::NodeGone)
        );
        assert_eq!(lockspace.granted_modes(b"token"), [Mode::Ex]);
        survivor.unlock(own, Flags::NONE, None).expect("held");
        assert_eq!(lockspace.resource_count(), 0);
    });
}

/// A cancel races with the grant: the lock ends cancelled or granted, never both, never neither.
#[test]
fn cancel_against_grant() {
    explore(None, || {
        let lockspace = Lockspace::unlisted("loom").expect("a good name");
        let (holder, _) = member(&lockspace, 1);
        let (other, queue) = member(&lockspace, 2);
        let held = holder
            .lock(b"token", 0, &Request::new(Mode::Ex))
            .expect("good");
        let waiting = other
            .lock(b"token", 0, &Request::new(Mode::Ex))
            .expect("good");
        while queue.poll().is_some() {}
        let releaser = thread::spawn(move || {
            holder.convert(held, &Request::new(Mode::Nl)).expect("held");
            holder
        });
        other.cancel(waiting).expect("queued or granted");
        let holder = releaser.join().expect("no panic");
        let ends: Vec<Event> = std::iter::from_fn(|| queue.poll()).collect();
        let [Event::Ast { status, .. }] = ends[..] else {
            panic!("{ends:?}")
        };
        let exclusive = lockspace.granted_modes(b"token").contains(&Mode::Ex);
        assert_eq!(status == Status::Granted, exclusive);
        assert_eq!(status == Status::Cancelled, !exclusive);
        drop(holder);
    });
}

/// A queue that is closed wakes whoever waits on it, whenever that is.
#[test]
fn closing_wakes() {
    explore(None, || {
        let queue = CallbackQueue::new();
        let waiting = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.wait(Wait::default()))
        };
        queue.close();
        assert_eq!(waiting.join().expect("no panic"), Waited::Closed);
    });
}
