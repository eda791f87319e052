import type { DropFigures } from '../drops/live-drop.ts';

/** How a drop's units moved while its host watched. Pure. */
export interface Sample {
  /** Server time in milliseconds. */
  readonly at: number;
  readonly left: number;
  readonly held: number;
  readonly sold: number;
}

/** A storm brings more changes than a plot has pixels: samples closer than this become one. */
const CLOSEST_MS = 250;
/** When so many are kept every second one is dropped: an hour stays an hour, only coarser. */
export const SAMPLES_MAX = 2_000;

export function addSample(
  samples: readonly Sample[],
  units: Pick<DropFigures, 'left' | 'held' | 'sold'>,
  at: number,
): readonly Sample[] {
  const sample: Sample = { at, left: units.left, held: units.held, sold: units.sold };
  const last = samples.at(-1);
  const lastButOne = samples.at(-2);
  // The last sample stands for now: it is replaced until it has grown old enough to stay.
  if (last !== undefined && lastButOne !== undefined && last.at - lastButOne.at < CLOSEST_MS) {
    return [...samples.slice(0, -1), sample];
  }
  if (samples.length < SAMPLES_MAX) return [...samples, sample];
  return [...samples.filter((_, index) => index % 2 === 0), sample];
}

/** At most `count` samples, spread evenly, the newest first: what the table shows. */
export function tableRows(samples: readonly Sample[], count: number): readonly Sample[] {
  const changes = samples.filter((sample, index) => {
    const before = samples[index - 1];
    return (
      before === undefined ||
      before.left !== sample.left ||
      before.held !== sample.held ||
      before.sold !== sample.sold
    );
  });
  if (changes.length <= count) return [...changes].reverse();
  const rows: Sample[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = changes.length - 1 - Math.round((index * (changes.length - 1)) / (count - 1));
    rows.push(changes[at] as Sample);
  }
  return rows;
}
