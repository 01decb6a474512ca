//! Joining the kernel's lock manager as Node sees it: it takes a cluster a moment, so it happens on a thread of its own.

use super::mailbox::Mailbox;
use super::node::DlmNode;
use super::place::{KernelPlace, Place};
use super::run::Run;
use crate::kernel_dlm::KernelDlmError;
use napi::bindgen_prelude::{Env, Function, JsValue, ObjectFinalize};
use napi_derive::napi;
use std::sync::Arc;

type Joined = Result<(KernelPlace, Arc<Mailbox>), KernelDlmError>;

/// `KernelJoin` of the addon.
#[napi(custom_finalize)]
pub struct KernelJoin(Run<Joined>);

impl ObjectFinalize for KernelJoin {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.0.abandon(&env);
        Ok(())
    }
}

#[napi]
impl KernelJoin {
    /// Starts at once; `notify` is called when it is over.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        array_uuid: String,
        slots: u32,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<KernelJoin> {
        let join = move |_: &_| {
            let mailbox = Arc::new(Mailbox::default());
            let place = KernelPlace::join(&array_uuid, slots, &mailbox)?;
            Ok((place, mailbox))
        };
        Run::start(&env, notify.raw(), join).map(KernelJoin)
    }

    /// The node, once; `notify` as of `DlmNode`. None before it is over.
    ///
    /// # Errors
    /// What is missing: `kernel`, the code, message and remedy, one a line.
    #[napi(catch_unwind)]
    pub fn take(
        &self,
        env: Env,
        dies_with_environment: bool,
        notify: Function<'_, (), ()>,
    ) -> napi::Result<Option<DlmNode>> {
        let Some(joined) = self.0.take(&env)? else {
            return Ok(None);
        };
        let (place, mailbox) = joined.map_err(|error| {
            let (code, remedy) = (error.code(), error.remedy());
            napi::Error::from_reason(format!("kernel\n{code}\n{error}\n{remedy}"))
        })?;
        let place = Place::Kernel(Arc::new(place));
        DlmNode::attach(&env, place, mailbox, dies_with_environment, notify.raw()).map(Some)
    }
}
