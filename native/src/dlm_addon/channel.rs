//! A message channel as Node sees it.

use super::channel_threads::{Desk, Heard, Job, Other};
use super::exit_hook::{ExitHook, Leaves};
use super::node::DlmNode;
use super::refused;
use crate::channel::{
    Blocking, ChannelError, Failure, Options, SendStep, Times, Traced, Variant, WaitMode,
};
use crate::dlm::{Mode, lvb_from};
use napi::bindgen_prelude::{Env, Float64Array, Function, JsValue, ObjectFinalize, Uint8Array};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

impl Leaves for Desk {
    fn environment_gone(&self) {
        self.notifier.close();
        self.close();
    }
}

/// What JavaScript hears. `kind` is `joined`, `message`, `answered`, `done` or `ended`.
#[napi(object)]
pub struct ChannelEvent {
    pub kind: String,
    /// Of the operation that is done.
    pub job: f64,
    pub payload: Option<Uint8Array>,
    /// Of a send: nanoseconds until all have processed it, the whole, then the steps in their order; −1 for none.
    pub times_ns: Option<Float64Array>,
    /// errno's name, the failure's, message and remedy, one a line.
    pub error: Option<String>,
}

/// A call on one of the channel's locks; without flags and times a blocking callback.
#[napi(object)]
pub struct ChannelLockCall {
    pub resource: String,
    pub mode: i32,
    pub flags: Option<u32>,
    /// `sb_status` of the completion or the negative errno of the refusal; none where nobody waited for the end.
    pub status: Option<i32>,
    /// Of CLOCK_MONOTONIC.
    pub start_ns: Option<f64>,
    pub end_ns: Option<f64>,
}

/// None where there is no limit, or one longer than a `Duration` can be.
fn time_limit(timeout_ms: Option<f64>) -> napi::Result<Option<Duration>> {
    let Some(timeout_ms) = timeout_ms else {
        return Ok(None);
    };
    if timeout_ms.is_nan() || timeout_ms < 0.0 {
        return Err(napi::Error::from_reason(format!(
            "EINVAL\nTimeoutMs\ntimeoutMs is {timeout_ms}\n\
             pass milliseconds from 0 on, or null for no limit"
        )));
    }
    Ok(Duration::try_from_secs_f64(timeout_ms / 1e3).ok())
}

/// `DlmChannel` of the addon: joins at once, on threads of its own.
#[napi(custom_finalize)]
pub struct DlmChannel {
    desk: Arc<Desk>,
    exit_hook: ExitHook<Desk>,
}

impl ObjectFinalize for DlmChannel {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.exit_hook.remove(&env);
        self.desk.environment_gone();
        Ok(())
    }
}

#[napi]
impl DlmChannel {
    /// `variant`: 0 safe, 1 mainline, 2 original. `timeout_ms` for each single wait; none waits for ever. `trace` keeps lock
    /// calls for `lockCalls`.
    ///
    /// # Errors
    /// EINVAL for a `timeout_ms` that is negative or no number.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        node: &DlmNode,
        variant: u32,
        timeout_ms: Option<f64>,
        trace: bool,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<DlmChannel> {
        let options = Options {
            variant: match variant {
                0 => Variant::Safe,
                1 => Variant::Mainline,
                _ => Variant::Original,
            },
            timeout: time_limit(timeout_ms)?,
            wait: WaitMode::Park,
            trace,
            ..Options::default()
        };
        let desk = Arc::new(Desk::default());
        desk.notifier.open(&env, notify.raw())?;
        let exit_hook = ExitHook::register(&env, Arc::clone(&desk))?;
        desk.join(node.backend(), options);
        Ok(DlmChannel { desk, exit_hook })
    }

    /// # Errors
    /// EINVAL for a payload of another length than 64 bytes.
    #[napi(catch_unwind)]
    pub fn send(&self, job: f64, payload: &[u8]) -> napi::Result<()> {
        let payload = lvb_from(payload).map_err(refused)?;
        self.desk.ask(job as u64, Job::Send(Box::new(payload)));
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn take_token(&self, job: f64) {
        self.desk.ask(job as u64, Job::TakeToken);
    }

    #[napi(catch_unwind)]
    pub fn release_token(&self, job: f64) {
        self.desk.ask(job as u64, Job::ReleaseToken);
    }

    /// `resync` rather than `no-new-dev`. `blocking`: 0 for the time-out, 1 for ever, 2 not at all.
    ///
    /// # Errors
    /// EINVAL for an unknown mode.
    #[napi(catch_unwind)]
    pub fn convert(&self, job: f64, resync: bool, mode: i32, blocking: u32) -> napi::Result<()> {
        let mode = Mode::try_from(mode).map_err(refused)?;
        let blocking = match blocking {
            0 => Blocking::Wait,
            1 => Blocking::WaitForEver,
            _ => Blocking::No,
        };
        let other = if resync {
            Other::Resync(mode, blocking)
        } else {
            Other::NoNewDev(mode, blocking)
        };
        self.desk.ask_other(job as u64, other);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn join_resync(&self, job: f64) {
        self.desk.ask_other(job as u64, Other::JoinResync);
    }

    #[napi(catch_unwind)]
    pub fn answer(&self, processed: bool) {
        self.desk.answer(processed);
    }

    #[napi(catch_unwind)]
    pub fn cancel(&self, job: f64) {
        self.desk.cancel(job as u64);
    }

    #[napi(catch_unwind)]
    pub fn keep_alive(&self, env: Env, alive: bool) {
        self.desk.notifier.keep_alive(&env, alive);
    }

    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) {
        self.exit_hook.remove(&env);
        self.desk.environment_gone();
    }

    /// The lock calls since the last time, in the order of their ends.
    #[napi(catch_unwind)]
    pub fn lock_calls(&self) -> Vec<ChannelLockCall> {
        let calls = self.desk.lock_calls();
        calls.iter().map(ChannelLockCall::from).collect()
    }

    /// What has happened since the last time, oldest first.
    #[napi(catch_unwind)]
    pub fn hear(&self) -> Vec<ChannelEvent> {
        std::iter::from_fn(|| self.desk.hear())
            .map(ChannelEvent::from)
            .collect()
    }
}

impl From<&Traced> for ChannelLockCall {
    fn from(traced: &Traced) -> ChannelLockCall {
        match *traced {
            Traced::Call {
                resource,
                mode,
                flags,
                status,
                start_ns,
                end_ns,
            } => ChannelLockCall {
                resource: resource.name().to_owned(),
                mode: mode as i32,
                flags: Some(flags.0),
                status,
                start_ns: Some(start_ns as f64),
                end_ns: Some(end_ns as f64),
            },
            Traced::Blocked { resource, mode } => ChannelLockCall {
                resource: resource.name().to_owned(),
                mode: mode as i32,
                flags: None,
                status: None,
                start_ns: None,
                end_ns: None,
            },
        }
    }
}

impl From<Heard> for ChannelEvent {
    fn from(heard: Heard) -> ChannelEvent {
        let event = |kind: &str, job: u64, error: Option<ChannelError>| ChannelEvent {
            kind: kind.to_owned(),
            job: job as f64,
            payload: None,
            times_ns: None,
            error: error.as_ref().map(lines_of),
        };
        match heard {
            Heard::Joined => event("joined", 0, None),
            Heard::Message(payload) => ChannelEvent {
                payload: Some(Uint8Array::new(payload.to_vec())),
                ..event("message", 0, None)
            },
            Heard::Answered(outcome) => event("answered", 0, outcome.err()),
            Heard::Done(job, outcome) => match outcome {
                Ok(times) => ChannelEvent {
                    times_ns: times.as_ref().map(times_of),
                    ..event("done", job, None)
                },
                Err(error) => event("done", job, Some(error)),
            },
            Heard::Ended(error) => event("ended", 0, Some(error)),
        }
    }
}

/// In the order of `SEND_STEPS` of `src/dlm/measure-messages.ts`.
fn times_of(times: &Times) -> Float64Array {
    let number =
        |nanoseconds: Option<u64>| nanoseconds.map_or(-1.0, |nanoseconds| nanoseconds as f64);
    let whole = [SendStep::AckEx, SendStep::TokenNl].map(|step| number(times.since_start_ns(step)));
    let steps = SendStep::ALL
        .iter()
        .map(|step| number(times.duration_ns(*step)));
    Float64Array::new(whole.into_iter().chain(steps).collect())
}

/// As `super::refused` writes a refusal.
pub(super) fn lines_of(error: &ChannelError) -> String {
    let (name, remedy) = match error.failure {
        Failure::Refused(refusal) => (format!("{refusal:?}"), refusal.remedy()),
        failure => {
            let remedy = match failure {
                Failure::TimedOut => "look for a node that hangs, or raise the time-out",
                Failure::NodeGone => "join again",
                Failure::Deadlock => "use the variant mainline or safe",
                Failure::Again => "try again once the other node has given way",
                _ => "try again",
            };
            (format!("{failure:?}"), remedy)
        }
    };
    let what = match error.failure {
        Failure::TimedOut => "no answer in time",
        Failure::Cancelled => "cancelled",
        Failure::NodeGone => "this node is no member any more",
        Failure::Deadlock => {
            "a conversion deadlock with another receiver, as the original patch has it"
        }
        Failure::Again => "another node stands in the way",
        Failure::Refused(refusal) => refusal.message(),
        Failure::Unexpected(_) => "an answer that this operation cannot have",
    };
    let name = name.split('(').next().unwrap_or_default();
    format!(
        "{}\n{name}\n{}: {what}\n{remedy}",
        error.errno_name(),
        error.place
    )
}
