//! The dance of the first patch: well with one receiver, a conversion deadlock with two.

use crate::cluster::{
    Member, NEVER, Receiver, lockspace, number_of, options, payload, settle, settle_idle,
};
use slotmark_native::channel::{Channel, ChannelError, Failure, Options, Place, Resource, Variant};
use slotmark_native::dlm::Mode;

fn original() -> Options {
    Options {
        variant: Variant::Original,
        ..options()
    }
}

fn receive_and_answer(channel: &Channel) -> (u64, Result<(), ChannelError>) {
    let message = channel.receive(Some(NEVER), None).expect("receives");
    let message = message.expect("a message");
    let number = number_of(message.payload());
    (number, message.acknowledge(None).map(drop))
}

#[test]
fn one_receiver_is_served() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 2, original());
    let receiver = Receiver::start(&members[1]);
    for number in 1..=20 {
        members[0]
            .channel
            .send(&payload(number), None)
            .expect("sends");
    }
    assert_eq!(receiver.numbers(), (1..=20).collect::<Vec<u64>>());
}

#[test]
fn of_two_receivers_the_second_reports_the_deadlock_and_nobody_hangs() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 3, original());
    for number in 1..=20 {
        let sender = members[0].channel.clone();
        let sending = std::thread::spawn(move || sender.send(&payload(number), None));
        // Both have the message before either answers, so both hold CR when they ask for EX.
        let messages = [&members[1], &members[2]].map(|member| {
            let message = member.channel.receive(Some(NEVER), None);
            message.expect("receives").expect("a message")
        });
        settle(&lockspace, "message", &[Mode::Cr; 3]);
        let answers = std::thread::scope(|scope| {
            messages
                .map(|message| {
                    scope.spawn(move || {
                        assert_eq!(number_of(message.payload()), number);
                        message.acknowledge(None).map(drop)
                    })
                })
                .map(|thread| thread.join().expect("no panic"))
        });
        sending.join().expect("no panic").expect("sends");
        let deadlocks: Vec<&ChannelError> = answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .collect();
        let [deadlock] = deadlocks[..] else {
            panic!("message {number}: {answers:?}");
        };
        assert_eq!(deadlock.failure, Failure::Deadlock);
        assert_eq!(deadlock.errno_name(), "EDEADLK");
        assert_eq!(deadlock.place, Place::Lock(Resource::Message, Mode::Ex));
    }
    settle_idle(&lockspace, 3);
}

#[test]
fn mainline_has_no_deadlock_with_any_number_of_receivers() {
    let lockspace = lockspace();
    let members = Member::join_all(&lockspace, 6, options());
    std::thread::scope(|scope| {
        for member in &members[1..] {
            scope.spawn(|| {
                for number in 1..=20 {
                    let (received, answered) = receive_and_answer(&member.channel);
                    assert_eq!(received, number);
                    answered.expect("no deadlock");
                }
            });
        }
        for number in 1..=20 {
            members[0]
                .channel
                .send(&payload(number), None)
                .expect("sends");
        }
    });
}
