//! A callback between the table of locks and its sink, where no lock of ours is held any more.

use crate::dlm::{Callback, LockId, Lvb, Mode, Sink, Status, StatusFlags, Wake};
use std::sync::Arc;

/// A callback on its way to its sink.
pub struct Delivery {
    pub sink: Arc<dyn Sink>,
    pub lock: LockId,
    pub tag: u64,
    pub what: What,
}

pub enum What {
    Ast {
        status: Status,
        flags: StatusFlags,
        mode: Option<Mode>,
        lvb: Option<Lvb>,
    },
    Bast {
        mode: Mode,
    },
}

impl Delivery {
    pub fn callback(&self) -> Callback<'_> {
        let (lock, tag) = (self.lock, self.tag);
        match &self.what {
            What::Ast {
                status,
                flags,
                mode,
                lvb,
            } => Callback::Ast {
                lock,
                tag,
                status: *status,
                flags: *flags,
                mode: *mode,
                lvb: lvb.as_ref(),
            },
            What::Bast { mode } => Callback::Bast {
                lock,
                tag,
                mode: *mode,
            },
        }
    }

    pub fn deliver(&self) {
        if self.sink.deliver(&self.callback()) == Wake::Needed {
            self.sink.wake();
        }
    }
}
