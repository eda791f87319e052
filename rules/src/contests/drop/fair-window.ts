import { sha256Hex } from '../../kernel/sha256.ts';
import type { DropOrder, DropState } from './types.ts';

/**
 * The order in which the claims of a fair window are served. Each is ranked by
 * `SHA-256(seed ":" entrantsHash ":" person ":" order)`, smallest first, where `entrantsHash` is
 * the SHA-256 of all claims of the window in log order. The seed was committed before anybody
 * claimed, and the crowd's own claims are mixed in, so neither the host nor a fast line decides.
 * Claims that reached the log after the window's end stand behind, first come first served.
 */
export function orderEntrants(
  state: DropState,
  seed: string,
): { order: number[]; entrantsHash: string } {
  const entrants: number[] = [];
  const latecomers: number[] = [];
  for (const { order, inWindow } of state.queue ?? []) {
    (inWindow ? entrants : latecomers).push(order);
  }
  const lines = entrants.map((number) => {
    const { person, quantity } = state.orders.get(number) as DropOrder;
    return `${number}:${person}:${quantity}`;
  });
  const entrantsHash = sha256Hex(lines.join('\n'));
  const ranked = entrants.map((number) => {
    const { person } = state.orders.get(number) as DropOrder;
    return { number, rank: sha256Hex(`${seed}:${entrantsHash}:${person}:${number}`) };
  });
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.number - b.number));
  return { order: [...ranked.map(({ number }) => number), ...latecomers], entrantsHash };
}
