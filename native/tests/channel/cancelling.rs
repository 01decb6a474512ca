//! Ending waits from outside.

use crate::cluster::{Member, NEVER, Receiver, lockspace, options, payload, settle, settle_idle};
use slotmark_native::channel::{
    Blocking, CancelToken, Failure, Options, Place, Resource, WaitMode,
};
use slotmark_native::dlm::Mode;

const MODES: [WaitMode; 3] = [
    WaitMode::Spin,
    WaitMode::SpinThenPark { spins: 50 },
    WaitMode::Park,
];

fn endless(wait: WaitMode) -> Options {
    Options {
        timeout: None,
        wait,
        ..options()
    }
}

#[test]
fn a_send_that_waits_for_answers_is_cancelled_and_the_channel_goes_on() {
    for wait in MODES {
        let lockspace = lockspace();
        let members = Member::join_all(&lockspace, 2, endless(wait));
        let cancel = CancelToken::new();
        let sending = {
            let (sender, cancel) = (members[0].channel.clone(), cancel.clone());
            std::thread::spawn(move || sender.send(&payload(1), Some(&cancel)))
        };
        settle(&lockspace, "message", &[Mode::Cw, Mode::Nl]);
        members[0].channel.cancel(&cancel);
        let error = sending.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error.failure, Failure::Cancelled);
        assert_eq!(error.place, Place::Lock(Resource::Ack, Mode::Ex));
        settle_idle(&lockspace, 2);
        let late = members[1].channel.receive(Some(NEVER), None);
        let late = late
            .expect("receives")
            .expect("the notice came before the cancel");
        late.acknowledge(None).expect("acknowledges");
        let receiver = Receiver::start(&members[1]);
        members[0].channel.send(&payload(2), None).expect("sends");
        assert_eq!(receiver.numbers(), [2], "{wait:?}");
    }
}

#[test]
fn every_other_wait_is_cancelled_too() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 2, endless(WaitMode::Park));
    let [first, second] = [&members[0].channel, &members[1].channel];
    let token = first.take_token(None).expect("the token");
    let cancelled = |place: Place, wait: &(dyn Fn(&CancelToken) -> Place + Sync)| {
        let cancel = CancelToken::new();
        let ended = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&cancel));
            // Before or while it waits: either must end it.
            std::thread::yield_now();
            first.cancel(&cancel);
            second.cancel(&cancel);
            waiting.join().expect("no panic")
        });
        assert_eq!(ended, place);
    };
    let place_of = |outcome: Result<(), slotmark_native::channel::ChannelError>| {
        let error = outcome.expect_err("cancelled");
        assert_eq!(error.failure, Failure::Cancelled);
        error.place
    };
    cancelled(Place::SendTurn, &|cancel| {
        place_of(first.send(&payload(1), Some(cancel)).map(drop))
    });
    cancelled(Place::Lock(Resource::Token, Mode::Ex), &|cancel| {
        place_of(second.send(&payload(1), Some(cancel)).map(drop))
    });
    cancelled(Place::Notice, &|cancel| {
        place_of(second.receive(None, Some(cancel)).map(drop))
    });
    cancelled(Place::Lock(Resource::NoNewDev, Mode::Ex), &|cancel| {
        place_of(second.convert_no_new_dev(Mode::Ex, Blocking::WaitForEver, Some(cancel)))
    });
    token.release().expect("gives it back");
    settle_idle(&lockspace, 2);
}

#[test]
fn stopping_a_channel_ends_every_wait_now_and_later_and_closing_it_frees_the_others() {
    for wait in MODES {
        let lockspace = lockspace();
        let members = Member::join_all(&lockspace, 3, endless(wait));
        let receiver = Receiver::start(&members[1]);
        let sender = members[0].channel.clone();
        let sending = std::thread::spawn(move || sender.send(&payload(1), None));
        let message = members[2].channel.receive(None, None).expect("receives");
        let message = message.expect("a message");
        assert_eq!(receiver.stop().failure, Failure::Cancelled);
        members[2].channel.close();
        assert!(message.acknowledge(None).is_err(), "its locks are gone");
        // Node 2 stopped after or before it acknowledged; closed, it is in nobody's way.
        members[1].channel.close();
        sending
            .join()
            .expect("no panic")
            .expect("nobody else is left");
        let error = members[1].channel.receive(None, None).map(drop);
        assert_eq!(error.expect_err("stopped").failure, Failure::Cancelled);
        settle_idle(&lockspace, 1);
    }
}

#[test]
fn a_receipt_broken_off_by_a_cancel_is_finished_by_the_next() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 3, endless(WaitMode::Park));
    let slow = &members[2].channel;
    let sender = members[0].channel.clone();
    let sending = std::thread::spawn(move || sender.send(&payload(1), None));
    let first = members[1].channel.receive(None, None).expect("receives");
    let held = slow
        .receive(None, None)
        .expect("receives")
        .expect("a message");
    let cancel = CancelToken::new();
    std::thread::scope(|scope| {
        // It has answered and waits until the sender is done, which waits for the other.
        let waiting = scope.spawn(|| first.expect("a message").acknowledge(Some(&cancel)));
        settle(&lockspace, "ack", &[Mode::Cr, Mode::Nl, Mode::Cr]);
        members[1].channel.cancel(&cancel);
        let error = waiting.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error.failure, Failure::Cancelled);
        assert_eq!(error.place, Place::Lock(Resource::Message, Mode::Pr));
    });
    held.acknowledge(None).expect("acknowledges");
    sending.join().expect("no panic").expect("sends");
    let receivers = [&members[1], &members[2]].map(Receiver::start);
    members[0].channel.send(&payload(2), None).expect("sends");
    assert_eq!(receivers[0].numbers(), [2]);
    assert_eq!(receivers[1].numbers(), [2]);
}
