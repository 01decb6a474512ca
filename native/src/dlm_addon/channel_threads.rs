//! A message channel and the native threads that wait for it: JavaScript itself never does.
//!
//! One thread sends, in the order asked for; one receives, and waits for JavaScript's answer to each message; a conversion
//! of `no-new-dev` or `resync` gets a thread of its own, since answering a message may depend on it.

use super::notifier::Notifier;
use crate::channel::{
    Blocking, CancelToken, Channel, ChannelError, Failure, LockBackend, Options, Times, Token,
    Traced,
};
use crate::dlm::{Lvb, Mode};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What JavaScript hears, in order.
pub(super) enum Heard {
    Joined,
    /// A message that waits for an answer.
    Message(Box<Lvb>),
    /// It was answered and this node is ready for the next, or that failed.
    Answered(Result<(), ChannelError>),
    /// The operation of this number is over; with times where it sent.
    Done(u64, Result<Option<Times>, ChannelError>),
    /// It never was a channel, or it is one no more.
    Ended(ChannelError),
}

pub(super) enum Job {
    Send(Box<Lvb>),
    TakeToken,
    ReleaseToken,
}

pub(super) enum Other {
    NoNewDev(Mode, Blocking),
    Resync(Mode, Blocking),
    JoinResync,
}

/// Shared by JavaScript and the threads.
#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    pub(super) notifier: Notifier,
}

#[derive(Default)]
struct State {
    heard: VecDeque<Heard>,
    jobs: VecDeque<(u64, Job)>,
    answer: Option<bool>,
    channel: Option<Channel>,
    cancels: HashMap<u64, CancelToken>,
    closed: bool,
}

impl Desk {
    /// A join under way ends with the node, or with its time-out.
    pub(super) fn join(self: &Arc<Self>, backend: Arc<dyn LockBackend>, options: Options) {
        let desk = Arc::clone(self);
        std::thread::spawn(move || {
            let (channel, _) = match Channel::join(backend, options, None) {
                Ok(joined) => joined,
                Err(error) => return desk.tell(Heard::Ended(error)),
            };
            let mut state = desk.state();
            state.channel = Some(channel.clone());
            let closed = state.closed;
            drop(state);
            if closed {
                return channel.close();
            }
            desk.tell(Heard::Joined);
            let sending = Arc::clone(&desk);
            let sender = channel.clone();
            std::thread::spawn(move || sending.send_jobs(&sender));
            desk.receive(&channel);
        });
    }

    pub(super) fn hear(&self) -> Option<Heard> {
        self.state().heard.pop_front()
    }

    /// The lock calls since the last time; none of a channel that is closed, or not to be traced.
    pub(super) fn lock_calls(&self) -> Vec<Traced> {
        let channel = self.state().channel.clone();
        channel.map(|channel| channel.trace()).unwrap_or_default()
    }

    pub(super) fn ask(&self, number: u64, job: Job) {
        let mut state = self.state();
        state.cancels.insert(number, CancelToken::new());
        state.jobs.push_back((number, job));
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn ask_other(self: &Arc<Self>, number: u64, other: Other) {
        let Some(channel) = self.state().channel.clone() else {
            return;
        };
        let cancel = self.cancel_token(number);
        let desk = Arc::clone(self);
        std::thread::spawn(move || {
            let cancel = Some(&cancel);
            let outcome = match other {
                Other::NoNewDev(mode, blocking) => {
                    channel.convert_no_new_dev(mode, blocking, cancel)
                }
                Other::Resync(mode, blocking) => channel.convert_resync(mode, blocking, cancel),
                Other::JoinResync => channel.join_resync(&mut Times::default()),
            };
            desk.done(number, outcome.map(|()| None));
        });
    }

    /// The message that was handed out is processed, or refused.
    pub(super) fn answer(&self, processed: bool) {
        self.state().answer = Some(processed);
        self.changed.notify_all();
    }

    /// Ends the waits of one operation.
    pub(super) fn cancel(&self, number: u64) {
        let state = self.state();
        let (channel, token) = (state.channel.clone(), state.cancels.get(&number).cloned());
        drop(state);
        if let (Some(channel), Some(token)) = (channel, token) {
            channel.cancel(&token);
        }
    }

    /// Gives up all locks and ends all threads. Also from the environment's clean-up hook: it waits for nobody.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let channel = state.channel.take();
        drop(state);
        self.changed.notify_all();
        if let Some(channel) = channel {
            channel.close();
        }
    }

    fn send_jobs(&self, channel: &Channel) {
        let mut token: Option<Token> = None;
        while let Some((number, job, cancel)) = self.next_job() {
            let cancel = Some(&cancel);
            let outcome = match (job, &mut token) {
                (Job::Send(payload), Some(token)) => token.send(&payload, cancel).map(Some),
                (Job::Send(payload), None) => channel.send(&payload, cancel).map(Some),
                (Job::TakeToken, Some(_)) => Ok(None),
                (Job::TakeToken, None) => channel.take_token(cancel).map(|taken| {
                    token = Some(taken);
                    None
                }),
                (Job::ReleaseToken, held) => {
                    held.take().map_or(Ok(()), Token::release).map(|()| None)
                }
            };
            self.done(number, outcome);
        }
    }

    fn next_job(&self) -> Option<(u64, Job, CancelToken)> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some((number, job)) = state.jobs.pop_front() {
                let cancel = state.cancels.get(&number).cloned().unwrap_or_default();
                return Some((number, job, cancel));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn receive(&self, channel: &Channel) {
        loop {
            let message = match channel.receive(None, None) {
                Ok(Some(message)) => message,
                Ok(None) => continue,
                // Finished by receiving again.
                Err(error) if error.failure == Failure::TimedOut => {
                    self.tell(Heard::Answered(Err(error)));
                    continue;
                }
                Err(error) => return self.tell(Heard::Ended(error)),
            };
            self.tell(Heard::Message(Box::new(*message.payload())));
            let Some(processed) = self.wait_for_answer() else {
                return;
            };
            let answered = if processed {
                message.acknowledge(None)
            } else {
                message.refuse(None)
            };
            self.tell(Heard::Answered(answered.map(drop)));
        }
    }

    fn wait_for_answer(&self) -> Option<bool> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(answer) = state.answer.take() {
                return Some(answer);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn cancel_token(&self, number: u64) -> CancelToken {
        let token = CancelToken::new();
        self.state().cancels.insert(number, token.clone());
        token
    }

    fn done(&self, number: u64, outcome: Result<Option<Times>, ChannelError>) {
        self.state().cancels.remove(&number);
        self.tell(Heard::Done(number, outcome));
    }

    fn tell(&self, heard: Heard) {
        self.state().heard.push_back(heard);
        self.notifier.notify();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
