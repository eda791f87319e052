/**
 * Art for a drop without a picture: a quilt of quarter circles, always the same for the same id.
 * Pure; `placeholder-art.tsx` draws it.
 */
export interface Patch {
  readonly column: number;
  readonly row: number;
  readonly shape: 'quarter' | 'half' | 'disc' | 'plain';
  /** Quarter turns. */
  readonly turns: number;
  readonly ground: string;
  readonly figure: string;
}

export const ART_COLUMNS = 6;
export const ART_ROWS = 4;

/** Five inks each; the first is the ground. They hold in light and dark alike. */
const PALETTES = [
  ['#f1e3c8', '#a63a1b', '#1f3d4d', '#d99a3a', '#7b9a86'],
  ['#e4e6d8', '#2f5d50', '#c96f3b', '#f0c987', '#20323a'],
  ['#efe0da', '#7a2d3c', '#d98c7a', '#33415c', '#c7b27c'],
  ['#dfe6ea', '#27496d', '#d1603d', '#f2d0a4', '#6a8d92'],
  ['#ece5f0', '#4d3b63', '#b5616a', '#e9b872', '#3f6c72'],
  ['#f3ead3', '#56642f', '#b5542c', '#e3b23c', '#2e3b2f'],
] as const;

/** Numbers in [0, 1) that depend on nothing but the text (xorshift over an FNV-1a start). */
function numbersOf(text: string): () => number {
  let state = 0x811c9dc5;
  for (const character of text) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export function drawArt(id: string): readonly Patch[] {
  const next = numbersOf(id);
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(next() * items.length)] as Item;
  const palette = pick(PALETTES);
  const shapes = ['quarter', 'quarter', 'quarter', 'half', 'disc', 'plain', 'plain'] as const;
  const patches: Patch[] = [];
  for (let row = 0; row < ART_ROWS; row += 1) {
    for (let column = 0; column < ART_COLUMNS; column += 1) {
      // Much ground and few loud patches keep it calm.
      const ground = next() < 0.62 ? palette[0] : pick(palette);
      const figure = pick(palette.filter((colour) => colour !== ground));
      const turns = Math.floor(next() * 4);
      patches.push({ column, row, shape: pick(shapes), turns, ground, figure });
    }
  }
  return patches;
}
