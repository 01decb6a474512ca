//! The message channel on the kernel's DLM, for the lab: one machine sends numbered messages, the others answer them.
//!
//! kernel_channel ARRAY-UUID send COUNT | kernel_channel ARRAY-UUID receive COUNT
//!
//! A receiver says `ready`, then the number of each message. A sender says how long each step of its sends took, in
//! microseconds, the median over all of them.

use slotmark_native::channel::{Channel, Options, SendStep, Times, WaitMode};
use slotmark_native::dlm::Lvb;
use slotmark_native::kernel_dlm::{Host, KernelNode};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// As md-cluster lays a message out (spec §5.1): odd ones name a device, even ones a range.
fn payload(number: u32) -> Lvb {
    let mut bytes = [0; 64];
    bytes[..4].copy_from_slice(&(number % 9).to_le_bytes());
    let at = if number % 2 == 1 { 40 } else { 16 };
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

fn number_of(bytes: &Lvb) -> u32 {
    let at =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    at(40).max(at(16))
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

fn send(channel: &Channel, count: u32) -> Result<(), Box<dyn Error>> {
    let mut sent: Vec<Times> = Vec::new();
    for number in 1..=count {
        sent.push(channel.send(&payload(number), None)?);
    }
    for step in [SendStep::TokenEx, SendStep::MessageEx, SendStep::AckEx] {
        let mut durations: Vec<u64> = sent
            .iter()
            .filter_map(|times| times.duration_ns(step))
            .collect();
        durations.sort_unstable();
        if let Some(median) = durations.get(durations.len() / 2) {
            say(&format!("{step:?} {}", median / 1000))?;
        }
    }
    Ok(())
}

fn receive(channel: &Channel, count: u32) -> Result<(), Box<dyn Error>> {
    say("ready")?;
    for _ in 0..count {
        let message = channel
            .receive(Some(PATIENCE), None)?
            .ok_or("no message came")?;
        let number = number_of(message.payload());
        if *message.payload() != payload(number) {
            return Err(format!("message {number} came in other bytes").into());
        }
        message.acknowledge(None)?;
        say(&number.to_string())?;
    }
    Ok(())
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [array_uuid, role, count] = arguments else {
        return Err("usage: kernel_channel ARRAY-UUID send|receive COUNT".into());
    };
    let node = Arc::new(KernelNode::open(&Host::default(), array_uuid)?);
    let options = Options {
        timeout: Some(PATIENCE),
        wait: WaitMode::Park,
        ..Options::default()
    };
    let (channel, _) = Channel::join(Arc::clone(&node) as _, options, None)?;
    match role.as_str() {
        "send" => send(&channel, count.parse()?)?,
        "receive" => receive(&channel, count.parse()?)?,
        _ => return Err("send or receive".into()),
    }
    drop(channel);
    node.close()?;
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
