//! The lock manager against the plain model: the same random operations from several nodes, every callback compared, in
//! order.

mod dlm_model;

use dlm_model::{Ask, Heard, Model, NONE};
use proptest::prelude::*;
use slotmark_native::dlm::{Callback, Flags, LockId, Lockspace, Mode, Node, Request, Sink, Wake};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Writes down what a node hears, in one list for all nodes.
struct Recorder {
    node: u32,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Sink for Recorder {
    fn deliver(&self, callback: &Callback<'_>) -> Wake {
        let node = self.node;
        let number = |mode: Option<Mode>| mode.map_or(NONE, |mode| mode as i8);
        self.heard.lock().expect("no panic").push(match *callback {
            Callback::Ast {
                tag,
                status,
                flags,
                mode,
                lvb,
                ..
            } => Heard::Ast {
                node,
                tag,
                status: status.code(),
                flags: flags.0,
                mode: number(mode),
                lvb: lvb.copied(),
            },
            Callback::Bast { tag, mode, .. } => Heard::Bast {
                node,
                tag,
                mode: mode as i8,
            },
            Callback::RecoverPrep => Heard::RecoverPrep { node },
            Callback::RecoverSlot { slot, node: dead } => Heard::RecoverSlot { node, slot, dead },
            Callback::RecoverDone { slot, generation } => Heard::RecoverDone {
                node,
                slot,
                generation,
            },
        });
        Wake::NotNeeded
    }
}

#[derive(Clone, Debug)]
enum Step {
    Request {
        node: u32,
        resource: usize,
        mode: u8,
        flags: u32,
        block: Option<u8>,
        bast: bool,
    },
    Convert {
        node: u32,
        lock: usize,
        mode: u8,
        flags: u32,
        block: Option<u8>,
        bast: bool,
    },
    Unlock {
        node: u32,
        lock: usize,
        flags: u32,
        block: Option<u8>,
    },
    Cancel {
        node: u32,
        lock: usize,
    },
    Join {
        nodes: Vec<u32>,
    },
    Leave {
        node: u32,
    },
    Die {
        nodes: Vec<u32>,
    },
}

const NODES: u32 = 5;

/// Mostly none or one flag, sometimes any set: rare flags together are where refusals are.
fn flags() -> impl Strategy<Value = u32> {
    use dlm_model::*;
    let one = prop::sample::select(vec![
        NOQUEUE,
        QUECVT,
        IVVALBLK,
        CONVDEADLK,
        NODLCKWT,
        NOQUEUE | NOQUEUEBAST,
        HEADQUE,
        NOORDER,
        ALTPR,
        ALTCW,
        ALTPR | ALTCW,
        ALTPR | QUECVT,
        EXPEDITE,
        NODLCKWT | HEADQUE,
        CONVDEADLK | HEADQUE,
    ]);
    let any = prop::sample::subsequence(
        vec![
            NOQUEUE,
            CANCEL,
            QUECVT,
            IVVALBLK,
            CONVDEADLK,
            NODLCKWT,
            EXPEDITE,
            NOQUEUEBAST,
            HEADQUE,
            NOORDER,
            ALTPR,
            ALTCW,
        ],
        0..5,
    )
    .prop_map(|set| set.into_iter().fold(0, |all, flag| all | flag));
    (
        prop_oneof![5 => Just(0), 4 => one, 2 => any],
        prop::bool::weighted(0.4),
    )
        .prop_map(|(flags, valblk)| if valblk { flags | VALBLK } else { flags })
}

fn block() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.7, any::<u8>())
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 1..=NODES;
    let unlock_flags = prop::sample::select(vec![
        0, 0, 0x8, 0x20, 0x28, 0x2_0000, 0x2_0008, 0x2, 0x1, 0x2_0002,
    ]);
    prop_oneof![
        20 => (node(), prop::sample::select(vec![0usize, 0, 0, 1, 2]), 0..6u8, flags(), block(), prop::bool::weighted(0.8)).prop_map(
            |(node, resource, mode, flags, block, bast)| Step::Request { node, resource, mode, flags, block, bast }
        ),
        40 => (node(), any::<prop::sample::Index>(), 0..6u8, flags(), block(), prop::bool::weighted(0.8)).prop_map(
            |(node, lock, mode, flags, block, bast)| Step::Convert {
                node, lock: lock.index(1 << 20), mode, flags, block, bast
            }
        ),
        12 => (node(), any::<prop::sample::Index>(), unlock_flags, block()).prop_map(
            |(node, lock, flags, block)| Step::Unlock { node, lock: lock.index(1 << 20), flags, block }
        ),
        10 => (node(), any::<prop::sample::Index>())
            .prop_map(|(node, lock)| Step::Cancel { node, lock: lock.index(1 << 20) }),
        3 => prop::sample::subsequence((1..=NODES).collect::<Vec<_>>(), 1..4)
            .prop_map(|nodes| Step::Join { nodes }),
        1 => node().prop_map(|node| Step::Leave { node }),
        1 => prop::sample::subsequence((1..=NODES).collect::<Vec<_>>(), 1..3)
            .prop_map(|nodes| Step::Die { nodes }),
    ]
}

/// A lock that was once requested; it may be gone.
struct Known {
    id: LockId,
    tag: u64,
    node: u32,
    name: &'static [u8],
}

struct Both {
    lockspace: Arc<Lockspace>,
    nodes: BTreeMap<u32, Node>,
    heard: Arc<Mutex<Vec<Heard>>>,
    model: Model,
    known: Vec<Known>,
    next_tag: u64,
}

const NAMES: [&[u8]; 3] = [b"token", b"message", b"bitmap0000"];

impl Both {
    fn new() -> Both {
        let mut both = Both {
            lockspace: Lockspace::unlisted("property").expect("a good name"),
            nodes: BTreeMap::new(),
            heard: Arc::default(),
            model: Model::default(),
            known: Vec::new(),
            next_tag: 0,
        };
        both.join(vec![1, 2, 3]);
        both
    }

    fn join(&mut self, nodes: Vec<u32>) {
        let nodes: Vec<u32> = nodes
            .into_iter()
            .filter(|node| !self.nodes.contains_key(node))
            .collect();
        if nodes.is_empty() {
            return;
        }
        // In descending order: the slots must not depend on it.
        let newcomers = nodes.iter().rev().map(|&node| {
            (
                node,
                Arc::new(Recorder {
                    node,
                    heard: Arc::clone(&self.heard),
                }) as Arc<dyn Sink>,
            )
        });
        let handles = self
            .lockspace
            .join_together(newcomers.collect())
            .expect("new nodes");
        self.model.join(nodes);
        for handle in handles {
            assert_eq!(Some(handle.slot()), self.model.slot(handle.number()));
            self.nodes.insert(handle.number(), handle);
        }
    }

    /// Prefers a lock of this node, so that most operations mean something; every eighth is anybody's.
    fn pick(&self, node: u32, choice: usize) -> Option<usize> {
        let own: Vec<usize> = (0..self.known.len())
            .filter(|place| choice.is_multiple_of(8) || self.known[*place].node == node)
            .collect();
        // The younger half more often: old locks tend to be gone.
        let from = if choice.is_multiple_of(3) {
            0
        } else {
            own.len() * 2 / 3
        };
        let own = &own[from..];
        own.get(choice / 24 % own.len().max(1)).copied()
    }

    fn step(&mut self, step: &Step) {
        let expand = |block: Option<u8>| block.map(|byte| [byte; 64]);
        match *step {
            Step::Request {
                node,
                resource,
                mode,
                flags,
                block,
                bast,
            } => {
                let Some(handle) = self.nodes.get(&node) else {
                    return;
                };
                let block = expand(block);
                let name = NAMES[resource];
                let tag = self.next_tag;
                self.next_tag += 1;
                let real = handle.lock(name, tag, &request(mode, flags, &block, bast));
                let ask = Ask {
                    mode: mode as i8,
                    flags,
                    block,
                    wants_bast: bast,
                };
                let modelled = self.model.request(node, name, tag, &ask);
                assert_eq!(
                    real.map(|_| ()).map_err(|refusal| refusal.errno()),
                    modelled
                );
                if let Ok(id) = real {
                    self.known.push(Known {
                        id,
                        tag,
                        node,
                        name,
                    });
                }
            }
            Step::Convert {
                node,
                lock,
                mode,
                flags,
                block,
                bast,
            } => {
                let Some(handle) = self.nodes.get(&node) else {
                    return;
                };
                let Some(place) = self.pick(node, lock) else {
                    return;
                };
                let known = &self.known[place];
                let block = expand(block);
                let real = handle.convert(known.id, &request(mode, flags, &block, bast));
                let ask = Ask {
                    mode: mode as i8,
                    flags,
                    block,
                    wants_bast: bast,
                };
                let modelled = self.model.convert(node, known.name, known.tag, &ask);
                assert_eq!(real.map_err(|refusal| refusal.errno()), modelled);
            }
            Step::Unlock {
                node,
                lock,
                flags,
                block,
            } => {
                let Some(handle) = self.nodes.get(&node) else {
                    return;
                };
                let Some(place) = self.pick(node, lock) else {
                    return;
                };
                let known = &self.known[place];
                let block = expand(block);
                let real = handle.unlock(known.id, Flags(flags), block.as_ref());
                let modelled = self.model.unlock(node, known.name, known.tag, flags, block);
                assert_eq!(real.map_err(|refusal| refusal.errno()), modelled);
            }
            Step::Cancel { node, lock } => {
                let Some(handle) = self.nodes.get(&node) else {
                    return;
                };
                let Some(place) = self.pick(node, lock) else {
                    return;
                };
                let known = &self.known[place];
                let real = handle.cancel(known.id);
                let modelled = self.model.cancel(node, known.name, known.tag);
                assert_eq!(real.map_err(|refusal| refusal.errno()), modelled);
            }
            Step::Join { ref nodes } => self.join(nodes.clone()),
            Step::Leave { node } => {
                let Some(handle) = self.nodes.remove(&node) else {
                    return;
                };
                // Dropping a handle is leaving by force.
                drop(handle);
                self.model.depart(&[node], false);
            }
            Step::Die { ref nodes } => {
                let nodes: Vec<u32> = nodes
                    .iter()
                    .copied()
                    .filter(|node| self.nodes.contains_key(node))
                    .collect();
                if nodes.is_empty() {
                    return;
                }
                self.lockspace.nodes_died(&nodes).expect("members");
                self.model.depart(&nodes, true);
                self.nodes.retain(|node, _| !nodes.contains(node));
            }
        }
    }

    fn compare(&mut self, step: &Step) {
        let heard = std::mem::take(&mut *self.heard.lock().expect("no panic"));
        let mut expected = std::mem::take(&mut self.model.heard);
        let mut heard = heard;
        if matches!(step, Step::Die { .. } | Step::Leave { .. }) {
            // The order among resources is nobody's business; that of one resource's callbacks is kept by a stable sort.
            let names: BTreeMap<u64, usize> = self
                .known
                .iter()
                .map(|known| {
                    (
                        known.tag,
                        NAMES
                            .iter()
                            .position(|name| *name == known.name)
                            .unwrap_or(0),
                    )
                })
                .collect();
            let key = |heard: &Heard| match heard {
                Heard::Ast { tag, .. } | Heard::Bast { tag, .. } => 1 + names[tag],
                _ => 0,
            };
            heard.sort_by_key(key);
            expected.sort_by_key(key);
        }
        assert_eq!(heard, expected, "after {step:?}");
        assert_eq!(
            self.lockspace.resource_count(),
            self.model.resource_count(),
            "after {step:?}"
        );
        for name in NAMES {
            let mut modes: Vec<i8> = self
                .lockspace
                .granted_modes(name)
                .into_iter()
                .map(|mode| mode as i8)
                .collect();
            modes.sort_unstable();
            assert_eq!(modes, self.model.granted_modes(name), "after {step:?}");
        }
    }
}

fn request(mode: u8, flags: u32, block: &Option<[u8; 64]>, bast: bool) -> Request<'_> {
    Request {
        mode: Mode::try_from(i32::from(mode)).expect("0 to 5"),
        flags: Flags(flags),
        lvb: block.as_ref(),
        blocking_callbacks: bast,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 400 } else { 30_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_callback_as_the_model_has_it(steps in prop::collection::vec(step(), 1..250)) {
        let mut both = Both::new();
        both.compare(&Step::Join { nodes: vec![] });
        for step in &steps {
            both.step(step);
            both.compare(step);
        }
    }
}
