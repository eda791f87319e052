import { useText } from '../messages/text.ts';
import type { DropFigures } from './live-drop.ts';

type Units = Pick<DropFigures, 'stock' | 'sold' | 'held' | 'left'>;

const PARTS = [
  { name: 'sold', look: 'units-sold', label: 'stock.sold' },
  { name: 'held', look: 'units-held', label: 'stock.held' },
  { name: 'left', look: 'units-left', label: 'stock.left' },
] as const;

/** Units by state: a bar of three patterns, and the same in words and numbers below. */
export function StockBar({ units, isLarge = false }: { units: Units; isLarge?: boolean }) {
  const text = useText();
  return (
    <div>
      <div
        aria-hidden="true"
        className={`flex gap-px overflow-hidden rounded-full bg-wash ${isLarge ? 'h-4' : 'h-2.5'}`}
      >
        {PARTS.filter(({ name }) => units[name] > 0).map(({ name, look }) => (
          <div
            key={name}
            className={`${look} transition-[flex-grow] duration-300`}
            style={{ flexGrow: units[name], flexBasis: 0 }}
          />
        ))}
      </div>
      <dl
        className={`digits mt-2.5 flex flex-wrap gap-x-5 gap-y-1 ${isLarge ? 'text-base' : 'text-sm'}`}
      >
        {[...PARTS].reverse().map(({ name, look, label }) => (
          <div key={name} className="flex items-center gap-2">
            <span aria-hidden="true" className={`${look} size-3 rounded-full border border-edge`} />
            <dt className="text-soft">{text(label)}</dt>
            <dd className="font-semibold">{text('number', { value: units[name] })}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
