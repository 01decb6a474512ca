//! Join: the order of its calls, and that it waits until no message is in flight.

use crate::cluster::{
    Member, Mortal, Receiver, lockspace, options, payload, settle, settle_idle, with_timeout,
};
use slotmark_native::channel::{
    Blocking, Channel, Failure, JoinStep, Options, Place, Resource, Traced,
};
use slotmark_native::dlm::{Flags, Mode};
use std::sync::Arc;

#[test]
fn the_steps_of_a_join_come_in_the_kernels_order() {
    let lockspace = lockspace();
    let node: Arc<Mortal> = Mortal::join(&lockspace, 1);
    let traced = Options {
        trace: true,
        ..options()
    };
    let (channel, mut times) = Channel::join(node, traced, None).expect("joins");
    channel.join_resync(&mut times).expect("joins");
    let calls: Vec<(Resource, Mode, Flags)> = channel
        .trace()
        .iter()
        .map(|entry| match entry {
            Traced::Call {
                resource,
                mode,
                flags,
                status: Some(0),
                ..
            } => (*resource, *mode, *flags),
            other => panic!("{other:?}"),
        })
        .collect();
    let new = Flags::EXPEDITE;
    let convert = Flags::CONVERT;
    assert_eq!(
        calls,
        [
            (Resource::Message, Mode::Nl, new | Flags::VALBLK),
            (Resource::Token, Mode::Nl, new),
            (Resource::NoNewDev, Mode::Nl, new),
            (Resource::Token, Mode::Ex, convert),
            (Resource::Ack, Mode::Nl, new),
            (Resource::Ack, Mode::Cr, convert),
            (Resource::Token, Mode::Nl, convert),
            (Resource::NoNewDev, Mode::Cr, convert),
            (Resource::Resync, Mode::Nl, new),
        ]
    );
    let ends: Vec<u64> = JoinStep::ALL
        .iter()
        .map(|step| times.end_ns(*step).expect("every step took place"))
        .collect();
    assert!(ends.is_sorted(), "{ends:?}");
    settle(&lockspace, "no-new-dev", &[Mode::Cr]);
    settle(&lockspace, "resync", &[Mode::Nl]);
    settle_idle(&lockspace, 1);
}

#[test]
fn a_join_waits_for_the_message_in_flight_and_misses_none_after_it() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 2, options());
    let sender = members[0].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    let message = members[1].channel.receive(None, None).expect("receives");
    let message = message.expect("a message");
    let joining = {
        let lockspace = Arc::clone(&lockspace);
        std::thread::spawn(move || Member::join(&lockspace, 3, options()))
    };
    // The newcomer queues for the token; it must not have armed `ack` yet.
    while lockspace.granted_modes(b"no-new-dev").len() < 3 {
        std::thread::yield_now();
    }
    assert_eq!(lockspace.granted_modes(b"ack").len(), 2);
    message.acknowledge(None).expect("acknowledges");
    sending.join().expect("no panic").expect("sends");
    let newcomer = joining.join().expect("no panic");
    settle_idle(&lockspace, 3);
    let receivers = [&members[1], &newcomer].map(Receiver::start);
    members[0].channel.send(&payload(2), None).expect("sends");
    assert_eq!(receivers[0].numbers(), [2]);
    assert_eq!(receivers[1].numbers(), [2]);
}

#[test]
fn a_join_that_does_not_get_the_token_fails_and_leaves_nothing_behind() {
    let lockspace = lockspace();
    let first = Member::join(&lockspace, 1, options());
    let token = first.channel.take_token(None).expect("the token");
    let node: Arc<Mortal> = Mortal::join(&lockspace, 2);
    let error = Channel::join(node, with_timeout(30), None)
        .map(drop)
        .expect_err("the token is taken");
    assert_eq!(error.failure, Failure::TimedOut);
    assert_eq!(error.place, Place::Lock(Resource::Token, Mode::Ex));
    token.release().expect("gives it back");
    settle_idle(&lockspace, 1);
}

#[test]
fn resync_is_held_by_one_and_waited_for_by_others() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 2, with_timeout(20));
    let early = members[0]
        .channel
        .convert_resync(Mode::Ex, Blocking::No, None)
        .expect_err("not joined yet");
    assert!(matches!(early.failure, Failure::Refused(_)), "{early}");
    for member in &members {
        let (_, mut times) = (0, member.channel.take_token(None).expect("token").times());
        member.channel.join_resync(&mut times).expect("joins");
    }
    let [first, second] = [&members[0].channel, &members[1].channel];
    first
        .convert_resync(Mode::Ex, Blocking::No, None)
        .expect("free");
    let refused = second.convert_resync(Mode::Ex, Blocking::No, None);
    assert_eq!(refused.expect_err("held").failure, Failure::Again);
    let waiting = {
        let second = second.clone();
        std::thread::spawn(move || second.convert_resync(Mode::Ex, Blocking::WaitForEver, None))
    };
    // Longer than the channel's time-out, which does not apply here.
    std::thread::sleep(std::time::Duration::from_millis(60));
    assert!(!waiting.is_finished());
    first
        .convert_resync(Mode::Nl, Blocking::Wait, None)
        .expect("granted");
    waiting.join().expect("no panic").expect("granted");
}
