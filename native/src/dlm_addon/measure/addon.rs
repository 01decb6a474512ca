//! A measurement as Node sees it: started, asked for its result once it has called back, stopped with its environment.

use super::stop::Stop;
use super::{Measured, Plan, measure};
use crate::dlm::Mode;
use crate::dlm_addon::exit_hook::{ExitHook, Leaves};
use crate::dlm_addon::notifier::Notifier;
use napi::bindgen_prelude::{Env, Float64Array, Function, JsValue, ObjectFinalize};
use napi_derive::napi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// `operation` is `request`, `convert`, `unlock`, `handOver` or `release`; modes are numbers, −1 for none.
#[napi(object)]
pub struct MeasuredSeries {
    pub operation: String,
    pub from: i32,
    pub to: i32,
    pub blockers: u32,
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

#[derive(Default)]
struct Run {
    stop: Stop,
    notifier: Notifier,
    /// Set when the run is over; none in it where it panicked.
    outcome: Mutex<Option<Option<Measured>>>,
}

impl Leaves for Run {
    fn environment_gone(&self) {
        self.notifier.close();
        self.stop.set();
    }
}

/// `LockMeasurement` of the addon.
#[napi(custom_finalize)]
pub struct LockMeasurement {
    run: Arc<Run>,
    exit_hook: ExitHook<Run>,
}

impl ObjectFinalize for LockMeasurement {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.exit_hook.remove(&env);
        self.run.environment_gone();
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
        let plan = Plan {
            nodes: nodes.max(1),
            value_block,
            spin,
            busy,
            time: Duration::try_from_secs_f64(time_ms / 1e3).unwrap_or_default(),
            samples: samples as usize,
        };
        let run = Arc::new(Run::default());
        run.notifier.open(&env, notify.raw())?;
        run.notifier.keep_alive(&env, true);
        let exit_hook = ExitHook::register(&env, Arc::clone(&run))?;
        let thread = Arc::clone(&run);
        std::thread::spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| measure(plan, &thread.stop)));
            let mut slot = thread
                .outcome
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *slot = Some(outcome.ok());
            drop(slot);
            thread.notifier.notify();
        });
        Ok(LockMeasurement { run, exit_hook })
    }

    /// Ends it early; it is over soon, with what it has.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.run.stop.set();
    }

    /// The result, once; none before it is over.
    ///
    /// # Errors
    /// Where a thread of the measurement panicked.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> napi::Result<Option<MeasuredLocks>> {
        let mut slot = self
            .run
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(outcome) = slot.take() else {
            return Ok(None);
        };
        drop(slot);
        self.exit_hook.remove(&env);
        self.run.notifier.close();
        match outcome {
            Some(measured) => Ok(Some(measured.into())),
            None => Err(napi::Error::from_reason(
                "a thread of the measurement panicked",
            )),
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
