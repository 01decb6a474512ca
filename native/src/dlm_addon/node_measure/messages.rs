//! Broadcasts of one node, or its receipt of another's, step by step.

use super::caller::Caller;
use super::{Limit, Unmeasured};
use crate::channel::{Channel, ReceiveStep, SendStep};
use crate::dlm::{Lvb, Mode};

pub(super) struct Series {
    pub(super) step: String,
    pub(super) latencies_ns: Vec<f64>,
}

/// One broadcast after the other, each when all nodes have done with the one before: `message`'s locks are all at NL again.
/// `settled` is on that resource, without a value block.
pub(super) fn send(
    channel: &Channel,
    settled: &mut Caller,
    limit: Limit,
    series: &mut Vec<Series>,
) -> Result<(), Unmeasured> {
    let whole = ["processed", "all"].map(str::to_owned);
    let steps = SendStep::ALL.iter().map(name_of);
    series.extend(whole.into_iter().chain(steps).map(empty));
    let (lock, _) = settled.request(Mode::Nl)?;
    let mut sent = 0;
    while !limit.is_reached(sent) {
        settled.convert(lock, Mode::Ex)?;
        settled.convert(lock, Mode::Nl)?;
        let times = channel.send(&payload(), None)?;
        let whole = [SendStep::AckEx, SendStep::TokenNl].map(|step| times.since_start_ns(step));
        let steps = SendStep::ALL.iter().map(|step| times.duration_ns(*step));
        add(series, whole.into_iter().chain(steps));
        sent += 1;
    }
    settled.unlock(lock)?;
    Ok(())
}

/// Until the channel is stopped: receives and acknowledges, with nothing to do in between.
pub(super) fn receive(channel: &Channel, samples: usize, series: &mut Vec<Series>) {
    series.extend(ReceiveStep::ALL.iter().map(name_of).map(empty));
    let mut received = 0;
    while let Ok(Some(message)) = channel.receive(None, None) {
        // A deadlock of the original variant comes after its steps are done.
        let Ok(times) = message.acknowledge(None) else {
            continue;
        };
        if received < samples {
            let steps = ReceiveStep::ALL.iter().map(|step| times.duration_ns(*step));
            add(series, steps);
        }
        received += 1;
    }
}

/// A range of a resync: it fits into both lock managers' value blocks.
fn payload() -> Lvb {
    let mut payload = [0; 64];
    payload[..24].fill(1);
    payload
}

fn add(series: &mut [Series], taken: impl Iterator<Item = Option<u64>>) {
    for (one, nanoseconds) in series.iter_mut().zip(taken) {
        one.latencies_ns
            .extend(nanoseconds.map(|nanoseconds| nanoseconds as f64));
    }
}

fn empty(step: String) -> Series {
    Series {
        step,
        latencies_ns: Vec::new(),
    }
}

/// `tokenEx` for `TokenEx`.
fn name_of(step: impl std::fmt::Debug) -> String {
    let name = format!("{step:?}");
    name[..1].to_lowercase() + &name[1..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{LockBackend, Options};
    use crate::dlm::{CallbackQueue, Lockspace};
    use crate::dlm_addon::stop::Stop;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[test]
    fn a_sender_and_a_receiver_time_every_step_of_every_message() {
        let lockspace = Lockspace::unlisted("node-messages").expect("made");
        let ends = [1, 2].map(|number| {
            let node: Arc<dyn LockBackend> = Arc::new(
                lockspace
                    .join(number, CallbackQueue::new())
                    .expect("joined"),
            );
            let (channel, _) =
                Channel::join(Arc::clone(&node), Options::default(), None).expect("a channel");
            (node, channel)
        });
        let [(node, sender), (_, receiver)] = ends;
        let limit = Limit {
            until: Instant::now() + Duration::from_secs(60),
            samples: 20,
        };
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        std::thread::scope(|scope| {
            let receiving = scope.spawn(|| receive(&receiver, 100, &mut received));
            let mut settled = Caller::new(node, "message".to_owned(), false, &Stop::default());
            send(&sender, &mut settled, limit, &mut sent).expect("sent");
            receiver.stop();
            receiving.join().expect("ended");
        });
        assert_eq!(sent[0].step, "processed");
        assert!(sent.iter().all(|series| series.latencies_ns.len() == 20));
        let processed = received.iter().find(|series| series.step == "processed");
        assert_eq!(processed.map(|series| series.latencies_ns.len()), Some(20));
    }
}
