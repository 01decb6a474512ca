/** Random histories of an array, as data: what a seed stands for. The same seed gives the same plan everywhere. */
import fc from "fast-check";

/** Where a node that is to die does so: before the `count`-th write of a kind from now on, or at its `count`-th event. */
export interface Death {
  readonly at: "page" | "superblock" | "data" | "copy" | "write" | "event";
  readonly count: number;
}

/** `node` and `member` are indices into those that there are by then, modulo their number. */
export type Action =
  /** `answers` is false for a node that leaves announced disks to its user. */
  | { readonly op: "join"; readonly death: Death | null; readonly answers: boolean }
  | { readonly op: "leave"; readonly node: number; readonly death: Death | null }
  | { readonly op: "write"; readonly node: number; readonly places: readonly Place[] }
  | { readonly op: "pass"; readonly node: number; readonly count: number }
  | { readonly op: "die"; readonly node: number }
  | { readonly op: "arm"; readonly node: number; readonly death: Death }
  | { readonly op: "fail"; readonly node: number; readonly member: number }
  | { readonly op: "break"; readonly member: number; readonly node: number | null }
  | { readonly op: "remove"; readonly node: number; readonly member: number }
  /** `seenBy`: bits by number of the node. */
  | { readonly op: "add"; readonly node: number; readonly disk: number; readonly seenBy: number }
  /** A user's answer to an announcement, whether there is one or not. */
  | { readonly op: "answer"; readonly node: number; readonly disk: number; readonly found: boolean }
  | { readonly op: "settle" };

/** A 4 KiB block: one of a few chunks spread over the array, and a block within it. */
export interface Place {
  readonly chunk: number;
  readonly block: number;
}

export interface HistoryPlan {
  readonly nodes: number;
  readonly members: number;
  readonly sizeMib: number;
  readonly chunkBytes: number;
  /** Actions of one step begin together; the next step begins when all have ended. */
  readonly steps: readonly (readonly Action[])[];
}

/** Chunks that histories write to, so that nodes meet in them. */
export const PLACES_IN_ARRAY = 12;
const index = fc.nat({ max: 7 });

const death: fc.Arbitrary<Death> = fc.record({
  at: fc.constantFrom("page", "superblock", "data", "copy", "write", "event"),
  count: fc.integer({ min: 1, max: 12 }),
});
const deathOrNone = fc.option(death, { freq: 3 });

const place: fc.Arbitrary<Place> = fc.record({ chunk: fc.nat({ max: PLACES_IN_ARRAY - 1 }), block: index });
const write = fc.record({
  op: fc.constant("write" as const),
  node: index,
  places: fc.array(place, { minLength: 1, maxLength: 6 }),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 14, arbitrary: write },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("join" as const),
      death: deathOrNone,
      answers: fc.constantFrom(true, true, true, true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("leave" as const), node: index, death: deathOrNone }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("pass" as const),
      node: index,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("die" as const), node: index }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("arm" as const), node: index, death }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("fail" as const), node: index, member: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("break" as const),
      member: index,
      node: fc.option(index, { freq: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("remove" as const), node: index, member: index }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("add" as const),
      node: index,
      disk: index,
      seenBy: fc.oneof(
        { weight: 2, arbitrary: fc.constant(0xffff) },
        { weight: 1, arbitrary: fc.nat({ max: 0xffff }) },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("answer" as const),
      node: index,
      disk: index,
      found: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ op: "settle" as const }) },
);

const shapes = fc.constantFrom(
  { sizeMib: 8, chunkBytes: 65536 },
  { sizeMib: 8, chunkBytes: 4096 },
  // Several windows of a resync.
  { sizeMib: 72, chunkBytes: 65536 },
  // Several pages a slot.
  { sizeMib: 126, chunkBytes: 4096 },
);

const plan: fc.Arbitrary<HistoryPlan> = fc
  .record({
    nodes: fc.constantFrom(2, 3, 4),
    members: fc.constantFrom(2, 2, 3),
    shape: shapes,
    steps: fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 14 }),
  })
  .map(({ shape, ...rest }) => ({ ...rest, ...shape }));

export function planOf(seed: number): HistoryPlan {
  const [made] = fc.sample(plan, { numRuns: 1, seed });
  if (made === undefined) throw new Error(`no plan for seed ${seed}`);
  return made;
}

/** One line a step, for whoever reads about a history that failed. */
export function planText({ steps, ...shape }: HistoryPlan): string {
  return [
    JSON.stringify(shape),
    ...steps.map((step) => `  ${step.map((it) => JSON.stringify(it)).join("  ")}`),
  ].join("\n");
}
