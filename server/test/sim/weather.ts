import type { Life, World } from './world.ts';

/** How badly the world behaves towards calls over a wire; shares of 1. */
export interface Weather {
  readonly delayMaxMs: number;
  /** A call takes ten times as long. */
  readonly slow: number;
  /** A call fails and had no effect. */
  readonly failBefore: number;
  /** A call fails though it had its effect. */
  readonly failAfter: number;
  readonly hintLost: number;
  readonly hintDoubled: number;
  /** A read does not see the last moments. */
  readonly readStale: number;
}

export const FAIR_WEATHER: Weather = {
  delayMaxMs: 4,
  slow: 0,
  failBefore: 0,
  failAfter: 0,
  hintLost: 0,
  hintDoubled: 0,
  readStale: 0,
};

/** The wires between processes and what they depend on. */
export class Wires {
  weather: Weather;
  /** Lives that cannot reach anything until so much world time. */
  readonly cutUntil = new Map<Life, number>();
  readonly #world: World;

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.weather = weather;
  }

  delay(): number {
    const { random } = this.#world;
    const delayMs = random.between(0, this.weather.delayMaxMs);
    return random.chance(this.weather.slow) ? delayMs * 10 : delayMs;
  }

  isCut(life: Life): boolean {
    return (this.cutUntil.get(life) ?? 0) > this.#world.now;
  }

  /**
   * Calls something over a wire: the effect comes after a delay, also when the caller has died
   * meanwhile, the answer after another, unless it has. `fail` makes the error of a failed call.
   */
  call<Value>(life: Life, effect: () => Promise<Value>, fail: () => Error): Promise<Value> {
    const { random } = this.#world;
    return new Promise((resolve, reject) => {
      const answer = (run: () => void) =>
        this.#world.schedule(this.delay(), () => {
          if (life.isAlive) run();
        });
      this.#world.schedule(this.delay(), () => {
        if (this.isCut(life) || random.chance(this.weather.failBefore)) {
          answer(() => reject(fail()));
          return;
        }
        effect().then(
          (value) => {
            const isLost = this.isCut(life) || random.chance(this.weather.failAfter);
            answer(() => (isLost ? reject(fail()) : resolve(value)));
          },
          (error) => answer(() => reject(error)),
        );
      });
    });
  }
}
