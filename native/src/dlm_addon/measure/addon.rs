//! A measurement as Node sees it: started, asked for its result once it has called back, stopped with its environment.

use super::{Measured, Plan, measure, messages};
use crate::channel::Variant;
use crate::dlm::Mode;
use crate::dlm_addon::run::Run;
use crate::dlm_addon::stop::Stop;
use napi::bindgen_prelude::{Env, Float64Array, Function, JsValue, ObjectFinalize};
use napi_derive::napi;

/// `operation` is `request`, `convert`, `unlock`, `handOver` or `release`; modes are numbers, −1 for none.
#[napi(object)]
pub struct MeasuredSeries {
    pub operation: String,
    pub from: i32,
    pub to: i32,
    pub blockers: u32,
    pub waiters: u32,
    pub latencies_ns: Float64Array,
}

#[napi(object)]
pub struct MeasuredLocks {
    pub series: Vec<MeasuredSeries>,
    pub clock_ns: Float64Array,
    pub mutex_and_lookup_ns: Float64Array,
    pub futex_ns: Float64Array,
    pub spin_ns: Float64Array,
}

/// `LockMeasurement` of the addon.
#[napi(custom_finalize)]
pub struct LockMeasurement(Run<Measured>);

impl ObjectFinalize for LockMeasurement {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.0.abandon(&env);
        Ok(())
    }
}

#[napi]
impl LockMeasurement {
    /// Starts at once, on threads of its own; `notify` is called when it is over. The event loop goes on until then.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        env: Env,
        nodes: u32,
        value_block: bool,
        spin: bool,
        busy: bool,
        time_ms: f64,
        samples: u32,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<LockMeasurement> {
        let plan = Plan::new(nodes, value_block, spin, busy, time_ms, samples);
        Run::start(&env, notify.raw(), move |stop| measure(plan, stop)).map(LockMeasurement)
    }

    /// Ends it early; it is over soon, with what it has.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.0.stop();
    }

    /// The result, once; none before it is over.
    ///
    /// # Errors
    /// Where a thread of the measurement panicked.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> napi::Result<Option<MeasuredLocks>> {
        Ok(self.0.take(&env)?.map(MeasuredLocks::from))
    }
}

/// `role` is `send` or `receive`; `step` one of `SendStep` or `ReceiveStep`, or for a send `processed` or `all`.
#[napi(object)]
pub struct MeasuredMessageSeries {
    pub role: String,
    pub step: String,
    pub latencies_ns: Float64Array,
}

#[napi(object)]
pub struct MeasuredMessages {
    pub series: Vec<MeasuredMessageSeries>,
    pub clock_ns: Float64Array,
    pub futex_ns: Float64Array,
    pub spin_ns: Float64Array,
    pub receiver_cpu_ns: Float64Array,
    pub deadlocks: f64,
}

/// `MessageMeasurement` of the addon.
#[napi(custom_finalize)]
pub struct MessageMeasurement(Run<messages::Measured>);

impl ObjectFinalize for MessageMeasurement {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.0.abandon(&env);
        Ok(())
    }
}

#[napi]
impl MessageMeasurement {
    /// As of `LockMeasurement`. Variants: 0 safe, 1 mainline, 2 original.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        env: Env,
        nodes: u32,
        variant: u32,
        spin: bool,
        busy: bool,
        time_ms: f64,
        samples: u32,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<MessageMeasurement> {
        let plan = Plan::new(nodes, true, spin, busy, time_ms, samples);
        let variant = match variant {
            0 => Variant::Safe,
            1 => Variant::Mainline,
            _ => Variant::Original,
        };
        let measure = move |stop: &Stop| messages::measure(plan, variant, stop);
        Run::start(&env, notify.raw(), measure).map(MessageMeasurement)
    }

    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.0.stop();
    }

    /// # Errors
    /// As of `LockMeasurement`.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> napi::Result<Option<MeasuredMessages>> {
        Ok(self.0.take(&env)?.map(MeasuredMessages::from))
    }
}

impl From<messages::Measured> for MeasuredMessages {
    fn from(measured: messages::Measured) -> MeasuredMessages {
        let series = measured
            .series
            .into_iter()
            .map(|series| MeasuredMessageSeries {
                role: series.role.to_owned(),
                step: series.step,
                latencies_ns: Float64Array::new(series.latencies_ns),
            });
        MeasuredMessages {
            series: series.collect(),
            clock_ns: Float64Array::new(measured.floors.clock),
            futex_ns: Float64Array::new(measured.floors.futex),
            spin_ns: Float64Array::new(measured.floors.spin),
            receiver_cpu_ns: Float64Array::new(measured.receiver_cpu_ns),
            deadlocks: measured.deadlocks as f64,
        }
    }
}

impl From<Measured> for MeasuredLocks {
    fn from(measured: Measured) -> MeasuredLocks {
        let number = |mode: Option<Mode>| mode.map_or(-1, |mode| mode as i32);
        let series = measured.series.into_iter().map(|series| MeasuredSeries {
            operation: series.operation.to_owned(),
            from: number(series.from),
            to: number(series.to),
            blockers: series.blockers,
            waiters: series.waiters,
            latencies_ns: Float64Array::new(series.latencies_ns),
        });
        MeasuredLocks {
            series: series.collect(),
            clock_ns: Float64Array::new(measured.floors.clock),
            mutex_and_lookup_ns: Float64Array::new(measured.floors.mutex_and_lookup),
            futex_ns: Float64Array::new(measured.floors.futex),
            spin_ns: Float64Array::new(measured.floors.spin),
        }
    }
}
