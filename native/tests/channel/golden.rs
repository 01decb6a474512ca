//! The order of lock calls against the kernel's, as captured of an add-disk between two real nodes: the channel's part of it
//! is every call on `token`, `message`, `ack` and `no-new-dev`.

use crate::cluster::{Member, lockspace, options, settle_idle};
use slotmark_native::channel::{Blocking, Failure, Options, Traced};
use slotmark_native::dlm::{LVB_BYTES, Lvb, Mode};
use std::path::PathBuf;

/// One call or blocking callback, written as the kernel's trace point writes it.
fn ours(entry: &Traced) -> String {
    match entry {
        Traced::Call {
            resource,
            mode,
            flags,
            status,
            ..
        } => {
            let names = [(1, "NOQUEUE"), (4, "CONVERT"), (8, "VALBLK")];
            let names: Vec<&str> = names
                .iter()
                .filter(|(bit, _)| flags.0 & bit != 0)
                .map(|(_, name)| *name)
                .collect();
            let known = flags.0 & !(1 | 4 | 8);
            assert_eq!(known, 0, "a flag that the kernel's channel never uses");
            format!(
                "mode={} flags={} res={} status={}",
                mode_name(*mode),
                names.join("|"),
                resource.name(),
                status.expect("it completed")
            )
        }
        Traced::Blocked { resource, mode } => {
            format!("bast mode={} res={}", mode_name(*mode), resource.name())
        }
    }
}

fn mode_name(mode: Mode) -> &'static str {
    ["NL", "CR", "CW", "PR", "PW", "EX"][mode as usize]
}

fn golden(file: &str) -> String {
    let path: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "test",
        "golden",
        "dlm",
        file,
    ]
    .iter()
    .collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

/// The kernel's calls with the status of their completion, and its blocking callbacks, without mdadm's own lock.
fn kernels(file: &str) -> (Vec<String>, Vec<String>) {
    let text = golden(file);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("res=bitmap"))
        .collect();
    let mut calls = Vec::new();
    let mut callbacks = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.contains("dlm_bast:") {
            callbacks.push(format!(
                "bast mode={} res={}",
                field(line, "mode"),
                field(line, "res")
            ));
        }
        if !line.contains("dlm_lock_start:") {
            continue;
        }
        let resource = field(line, "res");
        let completion = lines[index..]
            .iter()
            .find(|line| line.contains("dlm_ast:") && field(line, "res") == resource)
            .unwrap_or_else(|| panic!("{file}: no completion of {line}"));
        calls.push(format!(
            "mode={} flags={} res={resource} status={}",
            field(line, "mode"),
            field(line, "flags"),
            field(completion, "sb_status")
        ));
    }
    assert!(!calls.is_empty(), "{file} has no lock calls");
    (calls, callbacks)
}

fn split(trace: &[Traced]) -> (Vec<String>, Vec<String>) {
    let calls = trace
        .iter()
        .filter(|entry| matches!(entry, Traced::Call { .. }));
    let callbacks = trace
        .iter()
        .filter(|entry| matches!(entry, Traced::Blocked { .. }));
    (calls.map(ours).collect(), callbacks.map(ours).collect())
}

/// Payloads as captured on the kernel's `message`: the first of this type.
fn captured_payload(message_type: u8) -> Lvb {
    let text = golden("LVB_messages.txt");
    for line in text.lines() {
        let mut words = line.split_whitespace().skip(2);
        if words.next() != Some("64") {
            continue;
        }
        let bytes: Vec<u8> = words
            .map(|word| u8::from_str_radix(word, 16).expect("hexadecimal"))
            .collect();
        if bytes.first() == Some(&message_type) {
            return bytes.try_into().expect("64 bytes");
        }
    }
    panic!("no message of type {message_type} was captured");
}

const METADATA_UPDATED: u8 = 0;
const NEWDISK: u8 = 2;

/// An add-disk between two nodes, the second of which agrees or does not. Returns the traces of both.
fn add_disk(agrees: bool) -> (Vec<Traced>, Vec<Traced>) {
    let lockspace = lockspace();
    let members = Member::join_all(
        &lockspace,
        2,
        Options {
            trace: true,
            ..options()
        },
    );
    for member in &members {
        member.channel.trace();
    }
    let sender = &members[0].channel;
    let receiver = members[1].channel.clone();
    let messages = if agrees { 2 } else { 1 };
    let receiving = std::thread::spawn(move || {
        let mut payloads = Vec::new();
        for _ in 0..messages {
            let message = receiver.receive(None, None).expect("a message");
            let message = message.expect("no time-out was given");
            let veto = match message.payload()[0] {
                NEWDISK if agrees => Some(Mode::Nl),
                METADATA_UPDATED => Some(Mode::Cr),
                _ => None,
            };
            if let Some(mode) = veto {
                receiver
                    .convert_no_new_dev(mode, Blocking::Wait, None)
                    .expect("granted");
            }
            payloads.push(*message.payload());
            message.acknowledge(None).expect("acknowledges");
        }
        payloads
    });
    let mut token = sender.take_token(None).expect("the token");
    let mut sent = vec![captured_payload(NEWDISK)];
    token.send(&sent[0], None).expect("sends");
    let veto = sender.convert_no_new_dev(Mode::Ex, Blocking::No, None);
    if agrees {
        veto.expect("nobody objects");
        sender
            .convert_no_new_dev(Mode::Cr, Blocking::Wait, None)
            .expect("granted");
        sent.push(captured_payload(METADATA_UPDATED));
        token.send(&sent[1], None).expect("sends");
    } else {
        assert_eq!(veto.expect_err("vetoed").failure, Failure::Again);
    }
    token.release().expect("gives it back");
    assert_eq!(
        receiving.join().expect("no panic"),
        sent,
        "every byte arrives"
    );
    settle_idle(&lockspace, 2);
    (members[0].channel.trace(), members[1].channel.trace())
}

#[test]
fn a_confirmed_add_makes_the_kernels_calls() {
    let (sender, receiver) = add_disk(true);
    assert_eq!(split(&sender), kernels("dlmadd_ok_seq_n1.txt"));
    assert_eq!(split(&receiver), kernels("dlmadd_ok_seq_n2.txt"));
}

#[test]
fn a_refused_add_makes_the_kernels_calls() {
    let (sender, receiver) = add_disk(false);
    assert_eq!(split(&sender), kernels("dlmadd_nack_seq_n1.txt"));
    assert_eq!(split(&receiver), kernels("dlmadd_nack_seq_n2.txt"));
}

#[test]
fn an_ordinary_message_is_the_same_under_a_token_of_its_own() {
    let lockspace = lockspace();
    let members = Member::join_all(
        &lockspace,
        2,
        Options {
            trace: true,
            ..options()
        },
    );
    members[0].channel.trace();
    let receiver = crate::cluster::Receiver::start(&members[1]);
    let times = members[0]
        .channel
        .send(&crate::cluster::payload(7), None)
        .expect("sends");
    let (calls, callbacks) = split(&members[0].channel.trace());
    let (mut expected, _) = kernels("dlmadd_nack_seq_n1.txt");
    expected.retain(|call| !call.contains("no-new-dev"));
    assert_eq!(calls, expected);
    assert_eq!(
        callbacks,
        Vec::<String>::new(),
        "nobody blocks on the sender"
    );
    use slotmark_native::channel::SendStep;
    let ends: Vec<u64> = SendStep::ALL
        .iter()
        .map(|step| times.end_ns(*step).expect("every step took place"))
        .collect();
    assert!(ends.is_sorted() && times.start_ns <= ends[0], "{ends:?}");
    assert_eq!(LVB_BYTES, 64);
    drop(receiver);
}
