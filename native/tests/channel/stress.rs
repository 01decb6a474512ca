//! Random senders among 2 to 16 nodes: every message reaches every other live node once, and all in one order.
//! PROPTEST_RNG_SEED repeats a run's storms; how threads take turns in them, nothing repeats.

use crate::cluster::{Member, Receiver, lockspace, options, payload, settle_living};
use proptest::prelude::*;
use slotmark_native::channel::{Options, WaitMode};
use std::collections::VecDeque;
use std::sync::Mutex;

#[derive(Clone, Debug)]
struct Storm {
    nodes: u32,
    /// For each sender thread, its node and how many messages it sends.
    senders: Vec<(u32, u64)>,
    wait: WaitMode,
    /// How many of the first nodes die, each after this many conversions.
    deaths: Vec<i64>,
}

fn storm(with_deaths: bool) -> impl Strategy<Value = Storm> {
    let wait = prop_oneof![
        Just(WaitMode::Park),
        Just(WaitMode::SpinThenPark { spins: 100 })
    ];
    (2..=16u32, wait).prop_flat_map(move |(nodes, wait)| {
        let senders = prop::collection::vec((0..nodes, 1..12u64), 1..6);
        let most = if with_deaths { nodes as usize / 2 } else { 0 };
        let deaths = prop::collection::vec(0..120i64, 0..=most);
        (senders, deaths).prop_map(move |(senders, deaths)| Storm {
            nodes,
            senders,
            wait,
            deaths,
        })
    })
}

/// A sender's messages that came back as sent, and those that failed.
struct Sent {
    node: u32,
    succeeded: Vec<u64>,
    failed: Vec<u64>,
}

fn run(storm: &Storm) -> (Vec<Vec<u64>>, Vec<Sent>) {
    let lockspace = lockspace();
    let members = Member::join_all(
        &lockspace,
        storm.nodes,
        Options {
            wait: storm.wait,
            ..options()
        },
    );
    let receivers: Vec<Receiver> = members.iter().map(Receiver::start).collect();
    for (member, conversions) in members.iter().zip(&storm.deaths) {
        member.node.die_after(*conversions);
    }
    let sent = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (thread, (node, messages)) in storm.senders.iter().enumerate() {
            let (members, sent) = (&members, &sent);
            scope.spawn(move || {
                let mut outcome = Sent {
                    node: *node,
                    succeeded: Vec::new(),
                    failed: Vec::new(),
                };
                for message in 0..*messages {
                    let number = (thread as u64) << 32 | message;
                    match members[*node as usize].channel.send(&payload(number), None) {
                        Ok(_) => outcome.succeeded.push(number),
                        Err(_) => outcome.failed.push(number),
                    }
                }
                sent.lock().expect("no panic").push(outcome);
            });
        }
    });
    settle_living(&lockspace);
    let seen = receivers.iter().map(Receiver::numbers).collect();
    (seen, sent.into_inner().expect("no panic"))
}

/// Whether one order of all messages fits every node's: no circle of messages each of which some node saw before the next.
fn have_one_order(seen: &[Vec<u64>]) -> bool {
    let mut waiting: Vec<VecDeque<u64>> = seen
        .iter()
        .map(|own| own.iter().copied().collect())
        .collect();
    loop {
        // The next in the common order is first wherever it is still to come.
        let next = waiting
            .iter()
            .filter_map(|own| own.front().copied())
            .find(|first| {
                waiting
                    .iter()
                    .all(|own| own.front() == Some(first) || !own.contains(first))
            });
        let Some(next) = next else {
            return waiting.iter().all(VecDeque::is_empty);
        };
        for own in &mut waiting {
            if own.front() == Some(&next) {
                own.pop_front();
            }
        }
    }
}

#[test]
fn a_circle_is_no_order() {
    assert!(have_one_order(&[vec![1, 2], vec![2, 3], vec![1, 3]]));
    assert!(!have_one_order(&[vec![1, 2], vec![2, 3], vec![3, 1]]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_reaches_every_other_node_once_and_in_one_order(storm in storm(false)) {
        let (seen, sent) = run(&storm);
        for (node, numbers) in seen.iter().enumerate() {
            let mut expected: Vec<u64> = sent
                .iter()
                .filter(|sent| sent.node != node as u32)
                .flat_map(|sent| sent.succeeded.clone())
                .collect();
            let mut got = numbers.clone();
            expected.sort_unstable();
            got.sort_unstable();
            prop_assert_eq!(got, expected, "node {}", node + 1);
        }
        prop_assert!(have_one_order(&seen), "{seen:?}");
        prop_assert!(sent.iter().all(|sent| sent.failed.is_empty()), "a send failed");
    }

    #[test]
    fn deaths_lose_no_message_that_was_reported_as_sent_and_repeat_none(storm in storm(true)) {
        let (seen, sent) = run(&storm);
        let dead = storm.deaths.len() as u32;
        for (node, numbers) in seen.iter().enumerate() {
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), numbers.len(), "node {} has one twice", node + 1);
            if (node as u32) < dead {
                continue;
            }
            for sent in sent.iter().filter(|sent| sent.node != node as u32) {
                let failed_alive = sent.node >= dead && !sent.failed.is_empty();
                prop_assert!(!failed_alive, "a living node's send failed");
                for number in &sent.succeeded {
                    prop_assert!(numbers.contains(number), "node {} misses {number:x}", node + 1);
                }
            }
        }
        prop_assert!(have_one_order(&seen), "{seen:?}");
    }
}
