//! A member of an array's lockspace on the kernel's DLM, for the lab: it prints its slot and what becomes of the others, and
//! leaves when a file appears.
//!
//! kernel_member ARRAY-UUID SLOTS FILE

use slotmark_native::kernel_dlm::{Host, KernelDlmError, KernelNode, Member, MembershipEvent};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

fn say(text: &str) {
    let mut out = std::io::stdout();
    // Whoever reads has gone: nothing is left to be said.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn take_part(array_uuid: &str, slots: u32, file: &Path) -> Result<(), KernelDlmError> {
    let node = Arc::new(KernelNode::open(&Host::default(), array_uuid)?);
    let member = Member::join(Arc::clone(&node), slots, |event| match event {
        MembershipEvent::Joined { slot } => say(&format!("joined {slot}")),
        MembershipEvent::Gone { slot, departure } => say(&format!("{departure:?} {slot}")),
    })?;
    say(&format!("slot {}", member.slot()));
    while !file.exists() {
        std::thread::sleep(Duration::from_millis(50));
    }
    member.leave(Duration::from_secs(60))?;
    drop(member);
    node.close()?;
    say("left");
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [array_uuid, slots, file] = arguments.as_slice() else {
        say("usage: kernel_member ARRAY-UUID SLOTS FILE");
        return ExitCode::from(2);
    };
    let Ok(slots) = slots.parse() else {
        say("SLOTS is no number");
        return ExitCode::from(2);
    };
    match take_part(array_uuid, slots, Path::new(file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {error}; {}", error.code(), error.remedy()));
            ExitCode::from(2)
        }
    }
}
