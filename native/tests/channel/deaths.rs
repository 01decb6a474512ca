//! Nodes that die between any two steps: those that live go on, and see the same messages.

use crate::cluster::{
    Member, NEVER, Receiver, lockspace, number_of, options, payload, settle, settle_idle,
    wait_until,
};
use slotmark_native::channel::{Failure, Options, Place, Traced, Variant};
use slotmark_native::dlm::Mode;
use std::cell::Cell;
use std::time::Duration;

/// Conversions of a broadcast: token EX, message EX, CW, ack EX, CR, message NL, token NL.
const SEND_CONVERSIONS: i64 = 7;
/// After the write (the third) comes ack EX; from then on the receivers know of the message.
const CONVERSIONS_UNTIL_ANNOUNCED: i64 = 4;
/// Conversions of a receipt: message CR, ack NL, message PR, ack CR, message NL.
const RECEIVE_CONVERSIONS: i64 = 5;

#[test]
fn a_sender_that_dies_before_any_of_its_steps_holds_nobody_up() {
    for variant in [Variant::Safe, Variant::Mainline] {
        for steps in 0..SEND_CONVERSIONS {
            let lockspace = lockspace();
            let members = Member::join_all(
                &lockspace,
                4,
                Options {
                    variant,
                    ..options()
                },
            );
            let receivers: Vec<Receiver> = members[1..].iter().map(Receiver::start).collect();
            members[0].node.die_after(steps);
            let error = members[0].channel.send(&payload(1), None);
            let error = error.map(drop).expect_err("it died");
            assert_eq!(error.failure, Failure::NodeGone, "{steps} steps: {error}");
            settle_idle(&lockspace, 3);
            members[1].channel.send(&payload(2), None).expect("sends");
            for receiver in &receivers[1..] {
                let numbers = receiver.numbers();
                if steps < CONVERSIONS_UNTIL_ANNOUNCED {
                    assert_eq!(numbers, [2], "{variant:?}, {steps} steps");
                } else {
                    assert_eq!(numbers, [1, 2], "{variant:?}, {steps} steps");
                }
            }
        }
    }
}

#[test]
fn a_sender_that_dies_waiting_for_answers_leaves_the_rest_to_the_receivers() {
    let lockspace = lockspace();
    // The sender is not the first to use the locks: the value block has another master and survives.
    let members = Member::join_all(&lockspace, 3, options());
    let answering = Receiver::start(&members[1]);
    let slow = members[0].channel.clone();
    let sender = members[2].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    let message = slow.receive(Some(NEVER), None).expect("receives");
    let message = message.expect("a message");
    // Both know the message by now, and one has answered.
    settle(&lockspace, "ack", &[Mode::Cr, Mode::Cr, Mode::Nl]);
    members[2].node.die();
    let error = sending.join().expect("no panic");
    assert_eq!(
        error.map(drop).expect_err("dead").failure,
        Failure::NodeGone
    );
    message.acknowledge(None).expect("the message is good");
    settle_idle(&lockspace, 2);
    members[0].channel.send(&payload(2), None).expect("sends");
    assert_eq!(answering.numbers(), [1, 2]);
}

#[test]
fn a_receiver_that_dies_before_any_of_its_steps_holds_nobody_up() {
    for steps in 0..RECEIVE_CONVERSIONS {
        let lockspace = lockspace();
        let members = Member::join_all(&lockspace, 3, options());
        let mut dying = Receiver::start(&members[1]);
        let living = Receiver::start(&members[2]);
        members[1].node.die_after(steps);
        members[0].channel.send(&payload(1), None).expect("sends");
        assert_eq!(dying.join().failure, Failure::NodeGone);
        settle_idle(&lockspace, 2);
        members[0].channel.send(&payload(2), None).expect("sends");
        assert_eq!(living.numbers(), [1, 2], "{steps} steps");
    }
}

#[test]
fn a_receiver_that_dies_while_it_processes_lets_the_sender_go_on() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 3, options());
    let living = Receiver::start(&members[2]);
    let sender = members[0].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    let message = members[1].channel.receive(Some(NEVER), None);
    let message = message.expect("receives").expect("a message");
    members[1].node.die();
    sending
        .join()
        .expect("no panic")
        .expect("all that live have it");
    let error = message.acknowledge(None).expect_err("it is dead");
    assert_eq!(error.failure, Failure::NodeGone);
    assert_eq!(living.numbers(), [1]);
    settle_idle(&lockspace, 2);
}

#[test]
fn a_node_that_dies_idle_ends_its_own_waits() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 2, options());
    let mut receiver = Receiver::start(&members[1]);
    members[1].node.die();
    let error = receiver.join();
    assert_eq!(
        (error.place, error.failure),
        (Place::Notice, Failure::NodeGone)
    );
    members[0].channel.send(&payload(1), None).expect("sends");
}

#[test]
fn a_value_block_of_doubtful_age_is_not_handed_out_unless_mainline_is_asked_for() {
    for variant in [Variant::Safe, Variant::Mainline] {
        let lockspace = lockspace();
        let members = Member::join_all(
            &lockspace,
            3,
            Options {
                variant,
                trace: true,
                ..options()
            },
        );
        std::thread::scope(|scope| {
            for member in &members[1..] {
                scope.spawn(|| {
                    let message = member.channel.receive(Some(NEVER), None);
                    let message = message.expect("receives").expect("a message");
                    message.acknowledge(None).expect("acknowledges");
                });
            }
            members[0].channel.send(&payload(1), None).expect("sends");
        });
        settle_idle(&lockspace, 3);
        members[1].channel.trace();
        // The first user of the locks masters them. It dies as a sender to whom nobody has listened yet, and the newest
        // value that the living have seen is the message before.
        let sender = members[0].channel.clone();
        let sending = std::thread::spawn(move || sender.send(&payload(2), None));
        wait_until(&lockspace, || {
            let trace = members[1].channel.trace();
            trace
                .iter()
                .any(|entry| matches!(entry, Traced::Blocked { .. }))
        });
        members[0].node.die();
        assert!(sending.join().expect("no panic").is_err());
        let seen = members[1].channel.receive(Some(Duration::ZERO), None);
        match (variant, seen.expect("receives")) {
            (Variant::Mainline, Some(message)) => {
                assert!(!message.is_valid());
                assert_eq!(number_of(message.payload()), 1, "the one before, again");
                message.acknowledge(None).expect("acknowledges");
            }
            (_, None) => assert_ne!(variant, Variant::Mainline),
            (_, Some(_)) => panic!("a doubtful message was handed out"),
        }
        settle_idle(&lockspace, 2);
    }
}

#[test]
fn a_second_notice_of_one_message_does_not_repeat_it() {
    let lockspace = lockspace();
    let traced = Options {
        trace: true,
        ..options()
    };
    // The first node masters `ack`: when it dies, the new master knows of no notices and sends them again.
    let members = Member::join_all(&lockspace, 3, traced);
    let [dying, sending, slow] = [&members[0], &members[1], &members[2]];
    let notices = Cell::new(0);
    let noticed = |count: usize| {
        wait_until(&lockspace, || {
            let trace = slow.channel.trace();
            let new = trace
                .iter()
                .filter(|entry| matches!(entry, Traced::Blocked { .. }));
            notices.set(notices.get() + new.count());
            notices.get() == count
        });
    };
    let sender = dying.channel.clone();
    let first = std::thread::spawn(move || sender.send(&payload(1), None));
    let message = sending.channel.receive(Some(NEVER), None);
    let message = message.expect("receives").expect("a message");
    noticed(1);
    dying.node.die();
    assert!(first.join().expect("no panic").is_err());
    message.acknowledge(None).expect("acknowledges");
    // The next sender holds `message` in EX, and has written nothing yet, when the slow node looks at last.
    sending.node.halt_after(2);
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| sending.channel.send(&payload(2), None));
        sending.node.wait_until_halted();
        let before = slow.node.conversions();
        let received = scope.spawn(|| slow.channel.receive(Some(NEVER), None));
        wait_until(&lockspace, || slow.node.conversions() > before);
        sending.node.go_on();
        let message = received.join().expect("no panic").expect("receives");
        let message = message.expect("a message");
        assert_eq!(number_of(message.payload()), 2);
        noticed(2);
        message.acknowledge(None).expect("acknowledges");
        sent.join().expect("no panic").expect("sends");
    });
    let again = slow.channel.receive(Some(Duration::ZERO), None);
    assert!(again.expect("waits").is_none(), "received once");
}
