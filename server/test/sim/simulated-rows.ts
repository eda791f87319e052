import type { Fold } from '@dibs/rules/proof/fold.ts';
import type { SnapshotStore } from '../../src/arena/snapshots.ts';
import type { Projection, ProjectionStore } from '../../src/journal/store.ts';
import { MemoryProjectionStore } from '../../src/journal/store-memory.ts';
import type { SimulatedLog } from './simulated-log.ts';
import type { Wires } from './weather.ts';
import type { Life, World } from './world.ts';

/** The database of a world: rows of the projection and stored folds. */
export class SimulatedRows {
  readonly memory: MemoryProjectionStore;
  /** Every transaction that was committed, in order. */
  readonly committed: Projection[] = [];
  readonly #folds = new Map<string, Fold>();
  readonly #world: World;
  readonly #wires: Wires;

  constructor(world: World, wires: Wires, log: SimulatedLog) {
    this.#world = world;
    this.#wires = wires;
    this.memory = new MemoryProjectionStore((contests) => log.memory.heads(contests));
  }

  portOf(life: Life): ProjectionStore {
    const { memory } = this;
    const call = <Value>(effect: () => Promise<Value>) =>
      this.#wires.call(life, effect, () => new Error('the simulated database is away'));
    return {
      cursor: (contest) => call(() => memory.cursor(contest)),
      behind: (dueBefore) => call(() => memory.behind(dueBefore)),
      project: (asked) => {
        // As it was when it was asked for: the asker may go on with its lists.
        const { orders: rows, history } = asked;
        const projection = { ...asked, orders: [...rows], history: [...history] };
        return call(async () => {
          const isDone = await memory.project(projection);
          const { from, to, orders } = projection;
          if (isDone) this.committed.push(projection);
          const what = isDone ? 'projected' : 'did not project';
          this.#world.tell('rows', `${life.name} ${what} ${from}..${to}, ${orders.length} orders`);
          return isDone;
        });
      },
    };
  }

  snapshotsOf(life: Life): SnapshotStore {
    return {
      load: (contest) =>
        this.#wires.call(
          life,
          async () => {
            const stored = this.#folds.get(contest);
            return stored === undefined ? null : copyFold(stored);
          },
          () => new Error('the simulated database is away'),
        ),
    };
  }

  /** Keeps a copy of a fold, as a process does now and then. */
  keep(fold: Fold): void {
    this.#folds.set(fold.contest, copyFold(fold));
    this.#world.tell('rows', `kept a snapshot at ${fold.seq}`);
  }
}

/** A copy of all but the rules, which are functions of the program. */
export function copyFold(fold: Fold): Fold {
  return { ...structuredClone({ ...fold, rules: null }), rules: fold.rules };
}
