//! Receivers that do not answer, or refuse: the sender fails in time, and the channel goes on.

use crate::cluster::{
    Member, NEVER, Receiver, lockspace, number_of, options, payload, settle, settle_idle,
    wait_until, with_timeout,
};
use slotmark_native::channel::{
    CancelToken, Channel, ChannelError, Failure, Options, Place, Resource, Variant,
};
use slotmark_native::dlm::{Lockspace, Mode, Refusal};
use std::sync::Arc;
use std::time::Duration;

/// The first node gives up soon; the others are patient, so that no receiver races with the sender's time-out.
fn one_hasty(lockspace: &Arc<Lockspace>, nodes: u32, variant: Variant) -> Vec<Member> {
    let member = |number| {
        let patience = if number == 1 {
            with_timeout(150)
        } else {
            options()
        };
        Member::join(
            lockspace,
            number,
            Options {
                variant,
                ..patience
            },
        )
    };
    (1..=nodes).map(member).collect()
}

fn receive_one(channel: &Channel) -> u64 {
    let message = channel.receive(Some(NEVER), None).expect("receives");
    let message = message.expect("a message");
    let number = number_of(message.payload());
    message.acknowledge(None).expect("acknowledges");
    number
}

fn assert_unanswered(outcome: Result<impl Sized, ChannelError>) {
    let error = outcome.map(drop).expect_err("nobody answers");
    assert_eq!(error.failure, Failure::TimedOut);
    assert_eq!(error.place, Place::Lock(Resource::Ack, Mode::Ex));
    assert_eq!(error.errno_name(), "ETIMEDOUT");
    assert!(
        error.to_string().contains("not every node answered"),
        "{error}"
    );
}

#[test]
fn a_sender_alone_is_answered_by_nobody_and_succeeds() {
    let lockspace = lockspace();
    let member = Member::join(&lockspace, 1, with_timeout(50));
    member.channel.send(&payload(1), None).expect("sends");
    settle_idle(&lockspace, 1);
}

#[test]
fn a_receiver_that_does_not_answer_times_the_sender_out_and_hears_the_message_late() {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 3, Variant::Safe);
    let answering = Receiver::start(&members[1]);
    assert_unanswered(members[0].channel.send(&payload(1), None));
    assert_eq!(answering.numbers(), [1], "the one that answers has it");
    settle_idle(&lockspace, 3);
    // The third wakes up only now: it takes the message that failed, and is ready for the next.
    assert_eq!(receive_one(&members[2].channel), 1);
    let late = [&members[0], &members[2]].map(Receiver::start);
    members[1].channel.send(&payload(2), None).expect("sends");
    assert_eq!(late[0].numbers(), [2]);
    assert_eq!(late[1].numbers(), [2]);
    assert_eq!(answering.numbers(), [1]);
}

#[test]
fn a_message_that_failed_is_replaced_by_the_next_for_a_receiver_that_slept() {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 3, Variant::Safe);
    let _answering = Receiver::start(&members[1]);
    assert_unanswered(members[0].channel.send(&payload(1), None));
    let _hasty = Receiver::start(&members[0]);
    let sender = members[1].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(2), None));
    // The second message is written before the third node looks, and no second notice comes.
    wait_until(&lockspace, || {
        lockspace.granted_modes(b"message").contains(&Mode::Cw)
    });
    assert_eq!(receive_one(&members[2].channel), 2);
    sending.join().expect("no panic").expect("sends");
    settle_idle(&lockspace, 3);
    let none = members[2].channel.receive(Some(Duration::ZERO), None);
    assert!(none.expect("waits").is_none(), "received once");
}

#[test]
fn a_receiver_stuck_with_the_message_in_hand_holds_up_the_next_sender_until_it_times_out() {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 3, Variant::Safe);
    let _answering = Receiver::start(&members[1]);
    let stuck = members[2].channel.clone();
    let sender = members[0].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    let message = stuck.receive(Some(NEVER), None).expect("receives");
    let message = message.expect("a message");
    assert_unanswered(sending.join().expect("no panic"));
    let error = members[0].channel.send(&payload(2), None);
    let error = error.map(drop).expect_err("it still has the message");
    assert_eq!(error.place, Place::Lock(Resource::Message, Mode::Ex));
    assert_eq!(error.failure, Failure::TimedOut);
    message.acknowledge(None).expect("at last");
    let _awake = [&members[0], &members[2]].map(Receiver::start);
    members[1].channel.send(&payload(3), None).expect("sends");
}

/// A refused message: the sender times out.
fn refuse_one(variant: Variant) -> (Arc<Lockspace>, Vec<Member>) {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 2, variant);
    let sender = members[0].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    let message = members[1].channel.receive(Some(NEVER), None);
    let message = message.expect("receives").expect("a message");
    message.refuse(None).expect("refuses");
    assert_unanswered(sending.join().expect("no panic"));
    (lockspace, members)
}

#[test]
fn a_refused_message_times_the_sender_out_and_the_next_is_heard() {
    let (lockspace, members) = refuse_one(Variant::Safe);
    settle_idle(&lockspace, 2);
    let receiver = Receiver::start(&members[1]);
    let _hasty = Receiver::start(&members[0]);
    let patient = Member::join(&lockspace, 3, options());
    patient.channel.send(&payload(2), None).expect("sends");
    assert_eq!(
        receiver.numbers(),
        [2],
        "the refused one does not come again"
    );
}

#[test]
fn mainline_is_stuck_after_a_refused_message_as_the_kernel_is() {
    let (_lockspace, members) = refuse_one(Variant::Mainline);
    let _receiver = Receiver::start(&members[1]);
    let error = members[0].channel.send(&payload(2), None);
    let error = error.map(drop).expect_err("its conversion is still queued");
    assert_eq!(error.place, Place::Lock(Resource::Ack, Mode::Ex));
    assert_eq!(
        error.failure,
        Failure::Refused(Refusal::OperationOutstanding)
    );
    assert_eq!(error.errno_name(), "EBUSY");
}

#[test]
fn a_message_dropped_without_an_answer_counts_as_refused_once_the_node_receives_again() {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 2, Variant::Safe);
    let sender = members[0].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    drop(
        members[1]
            .channel
            .receive(Some(NEVER), None)
            .expect("receives"),
    );
    assert_unanswered(sending.join().expect("no panic"));
    let receiver = Receiver::start(&members[1]);
    settle_idle(&lockspace, 2);
    let _hasty = Receiver::start(&members[0]);
    let patient = Member::join(&lockspace, 3, options());
    patient.channel.send(&payload(2), None).expect("sends");
    assert_eq!(receiver.numbers(), [2]);
}

#[test]
fn a_second_sender_of_a_node_waits_its_turn_for_no_longer_than_the_time_out() {
    let lockspace = lockspace();
    let member = Member::join(&lockspace, 1, with_timeout(30));
    let token = member.channel.take_token(None).expect("the token");
    let error = member.channel.send(&payload(1), None);
    let error = error.map(drop).expect_err("the turn is taken");
    assert_eq!(
        (error.place, error.failure),
        (Place::SendTurn, Failure::TimedOut)
    );
    token.release().expect("gives it back");
    member.channel.send(&payload(2), None).expect("sends");
}

#[test]
fn a_sender_does_not_take_its_own_message_for_one_that_failed_before() {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 2, Variant::Safe);
    assert_unanswered(members[0].channel.send(&payload(1), None));
    // The second node has a notice of the first's message, and sends before it looks.
    let _hasty = Receiver::start(&members[0]);
    members[1].channel.send(&payload(2), None).expect("sends");
    let own = members[1].channel.receive(Some(Duration::ZERO), None);
    assert!(own.expect("waits").is_none());
}

#[test]
fn a_message_that_could_not_be_read_in_time_is_still_to_be_had() {
    let lockspace = lockspace();
    let members = one_hasty(&lockspace, 2, Variant::Safe);
    let [hasty, patient] = [&members[0], &members[1]];
    // A message that was taken back leaves a notice, and there is no other for the next.
    let cancel = CancelToken::new();
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| patient.channel.send(&payload(1), Some(&cancel)));
        settle(&lockspace, "message", &[Mode::Nl, Mode::Cw]);
        patient.channel.cancel(&cancel);
        assert!(sending.join().expect("no panic").is_err());
    });
    patient.node.halt_after(2);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| patient.channel.send(&payload(2), None));
        patient.node.wait_until_halted();
        let error = hasty.channel.receive(Some(NEVER), None).map(drop);
        let error = error.expect_err("the sender holds it");
        assert_eq!(error.place, Place::Lock(Resource::Message, Mode::Cr));
        assert_eq!(error.failure, Failure::TimedOut);
        patient.node.go_on();
        settle(&lockspace, "message", &[Mode::Nl, Mode::Cw]);
        assert_eq!(receive_one(&hasty.channel), 2);
        sending.join().expect("no panic").expect("sends");
    });
}
