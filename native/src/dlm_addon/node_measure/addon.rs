//! The measurements as Node sees them: started, asked for their result once they have called back, stopped with their environment.

use super::caller::Caller;
use super::{Limit, Unmeasured, locks, messages};
use crate::channel::{Channel, ChannelError, LockBackend, Options, Variant, WaitMode};
use crate::dlm::Mode;
use crate::dlm_addon::channel::lines_of;
use crate::dlm_addon::node::DlmNode;
use crate::dlm_addon::refused;
use crate::dlm_addon::run::Run;
use napi::bindgen_prelude::{Env, Float64Array, Function, JsValue, ObjectFinalize};
use napi_derive::napi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn limit(time_ms: f64, samples: u32) -> Limit {
    Limit {
        until: Instant::now() + Duration::try_from_secs_f64(time_ms / 1e3).unwrap_or_default(),
        samples: samples as usize,
    }
}

/// What was measured until it was stopped stays.
fn unless_failed(outcome: Result<(), Unmeasured>) -> napi::Result<()> {
    match outcome {
        Err(Unmeasured::Refused(refusal)) => Err(refused(refusal)),
        Err(Unmeasured::Channel(error)) => Err(napi::Error::from_reason(lines_of(&error))),
        Ok(()) | Err(Unmeasured::Stopped) => Ok(()),
    }
}

/// `operation` is `request`, `convert` or `unlock`; modes are numbers, −1 for none.
#[napi(object)]
pub struct NodeLockSeries {
    pub operation: String,
    pub from: i32,
    pub to: i32,
    pub latencies_ns: Float64Array,
}

type MeasuredLocks = (Result<(), Unmeasured>, Vec<locks::Series>);

/// `NodeLockMeasurement` of the addon.
#[napi(custom_finalize)]
pub struct NodeLockMeasurement {
    run: Run<MeasuredLocks>,
    recording: Arc<AtomicBool>,
}

impl ObjectFinalize for NodeLockMeasurement {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.run.abandon(&env);
        Ok(())
    }
}

#[napi]
impl NodeLockMeasurement {
    /// Starts at once. `in_line`: EX goes round among all nodes that do the same, until it is stopped, and samples are taken while
    /// `set_recording` has said so; otherwise all operations, nobody in the way, for this time.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        env: Env,
        node: &DlmNode,
        resource: String,
        value_block: bool,
        in_line: bool,
        time_ms: f64,
        samples: u32,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<NodeLockMeasurement> {
        let backend = node.backend();
        let recording = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&recording);
        let run = Run::start(&env, notify.raw(), move |stop| {
            let caller = || Caller::new(Arc::clone(&backend), resource.clone(), value_block, stop);
            let mut series = Vec::new();
            let outcome = if in_line {
                locks::in_line(
                    &mut [caller(), caller()],
                    &told,
                    samples as usize,
                    &mut series,
                )
            } else {
                locks::alone(&mut caller(), limit(time_ms, samples), &mut series)
            };
            (outcome, series)
        })?;
        Ok(NodeLockMeasurement { run, recording })
    }

    #[napi(catch_unwind)]
    pub fn set_recording(&self, recording: bool) {
        self.recording.store(recording, Ordering::Relaxed);
    }

    /// Ends it early; it is over soon, with what it has.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.run.stop();
    }

    /// The result, once; none before it is over.
    ///
    /// # Errors
    /// A refusal of the lock manager.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> napi::Result<Option<Vec<NodeLockSeries>>> {
        let Some((outcome, series)) = self.run.take(&env)? else {
            return Ok(None);
        };
        unless_failed(outcome)?;
        let number = |mode: Option<Mode>| mode.map_or(-1, |mode| mode as i32);
        let series = series.into_iter().map(|one| NodeLockSeries {
            operation: one.operation.to_owned(),
            from: number(one.from),
            to: number(one.to),
            latencies_ns: Float64Array::new(one.latencies_ns),
        });
        Ok(Some(series.collect()))
    }
}

/// A channel without JavaScript at its end, and its node's locks.
#[napi]
pub struct MeasuredChannel {
    channel: Channel,
    backend: Arc<dyn LockBackend>,
}

#[napi]
impl MeasuredChannel {
    /// Gives up its locks at once.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.channel.close();
    }
}

/// `MeasuredChannelJoin` of the addon: joins the message channel, which waits for whoever has the token.
#[napi(custom_finalize)]
pub struct MeasuredChannelJoin {
    run: Run<Result<Channel, ChannelError>>,
    backend: Arc<dyn LockBackend>,
}

impl ObjectFinalize for MeasuredChannelJoin {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.run.abandon(&env);
        Ok(())
    }
}

#[napi]
impl MeasuredChannelJoin {
    /// Starts at once. Variants: 0 safe, 1 mainline, 2 original.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        node: &DlmNode,
        variant: u32,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<MeasuredChannelJoin> {
        let options = Options {
            variant: match variant {
                0 => Variant::Safe,
                1 => Variant::Mainline,
                _ => Variant::Original,
            },
            wait: WaitMode::Park,
            ..Options::default()
        };
        let (backend, own) = (node.backend(), node.backend());
        // Its waits end with their time-out, or with the node.
        let join = move |_: &_| Channel::join(own, options, None).map(|(channel, _)| channel);
        let run = Run::start(&env, notify.raw(), join)?;
        Ok(MeasuredChannelJoin { run, backend })
    }

    /// The channel, once; none before it has joined.
    ///
    /// # Errors
    /// errno's name, the failure's, message and remedy, one a line.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> napi::Result<Option<MeasuredChannel>> {
        let Some(joined) = self.run.take(&env)? else {
            return Ok(None);
        };
        let channel = joined.map_err(|error| napi::Error::from_reason(lines_of(&error)))?;
        let backend = Arc::clone(&self.backend);
        Ok(Some(MeasuredChannel { channel, backend }))
    }
}

/// `step` is one of `SendStep` or `ReceiveStep`, or for a send `processed` or `all`.
#[napi(object)]
pub struct NodeMessageSeries {
    pub step: String,
    pub latencies_ns: Float64Array,
}

type MeasuredMessages = (Result<(), Unmeasured>, Vec<messages::Series>);

/// `NodeMessageMeasurement` of the addon.
#[napi(custom_finalize)]
pub struct NodeMessageMeasurement(Run<MeasuredMessages>);

impl ObjectFinalize for NodeMessageMeasurement {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.0.abandon(&env);
        Ok(())
    }
}

#[napi]
impl NodeMessageMeasurement {
    /// Starts at once. A sender ends by itself; a receiver goes on until it is stopped, and its channel with it.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        channel: &MeasuredChannel,
        sends: bool,
        time_ms: f64,
        samples: u32,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<NodeMessageMeasurement> {
        let backend = Arc::clone(&channel.backend);
        let channel = channel.channel.clone();
        Run::start(&env, notify.raw(), move |stop| {
            let watched = channel.clone();
            stop.watch(move || watched.stop());
            let mut series = Vec::new();
            let outcome = if sends {
                let mut settled = Caller::new(backend, "message".to_owned(), false, stop);
                messages::send(&channel, &mut settled, limit(time_ms, samples), &mut series)
            } else {
                messages::receive(&channel, samples as usize, &mut series);
                Ok(())
            };
            (outcome, series)
        })
        .map(NodeMessageMeasurement)
    }

    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.0.stop();
    }

    /// # Errors
    /// As of `MeasuredChannelJoin`, of a broadcast that failed.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> napi::Result<Option<Vec<NodeMessageSeries>>> {
        let Some((outcome, series)) = self.0.take(&env)? else {
            return Ok(None);
        };
        unless_failed(outcome)?;
        let series = series.into_iter().map(|one| NodeMessageSeries {
            step: one.step,
            latencies_ns: Float64Array::new(one.latencies_ns),
        });
        Ok(Some(series.collect()))
    }
}
