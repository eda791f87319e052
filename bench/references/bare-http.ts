import { type ClaimOutcome, PAY_WITHIN_MS, type Reference } from './front.ts';

/** R4: a counter, and nothing else is decided or kept; what node:http and the token check alone cost. */
export function openBareHttp(): Reference {
  const stocks = new Map<string, number>();
  const claims = new Map<string, number>();
  return {
    claim(drop, { quantity }): ClaimOutcome {
      const seq = (claims.get(drop) ?? 0) + 1;
      if (seq > (stocks.get(drop) ?? 0)) return { type: 'refused', code: 'sold_out' };
      claims.set(drop, seq);
      return { type: 'reserved', seq, quantity, payBy: Date.now() + PAY_WITHIN_MS };
    },
    async createDrop(drop, stock) {
      stocks.set(drop, stock);
    },
    async count(drop) {
      const count = claims.get(drop) ?? 0;
      return { units: count, claims: count };
    },
    async close() {},
  };
}
