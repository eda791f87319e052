import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import { useLocale, useText } from '../messages/text.ts';
import { formatClock } from '../time/instants.ts';
import { type Sample, tableRows } from './history.ts';

const HEIGHT = 260;
const TABLE_ROWS = 10;

/** Steps of the time axis: nothing finer than a second. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400];
/** The legend's frames, by series, as the lines are stroked. */
const DASHES = ['solid', 'solid', 'dashed', 'dotted'] as const;

interface Words {
  readonly left: string;
  readonly held: string;
  readonly sold: string;
}

/** Units over time as lines, each with its own stroke pattern, and the same as a table. */
export function UnitsPlot({ samples }: { samples: readonly Sample[] }) {
  const text = useText();
  const words = { left: text('stock.left'), held: text('stock.held'), sold: text('stock.sold') };
  return (
    <div className="grid gap-6">
      <Plot samples={samples} words={words} />
      <SampleTable samples={samples} words={words} />
    </div>
  );
}

function Plot({ samples, words }: { samples: readonly Sample[]; words: Words }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const locale = useLocale();
  const look = useLook();
  const { left, held, sold } = words;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new look needs a new plot
  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    const options = plotOptions({ left, held, sold }, locale, box.clientWidth);
    const made = new UPlot(options, columnsOf([]), box);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (box.clientWidth > 0) made.setSize({ width: box.clientWidth, height: HEIGHT });
    });
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [left, held, sold, locale, look]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot needs its data again
  useEffect(() => {
    plot.current?.setData(columnsOf(samples));
  }, [samples, left, held, sold, locale, look]);
  return <div ref={place} aria-hidden="true" className="min-w-0 overflow-hidden" />;
}

function columnsOf(samples: readonly Sample[]): UPlot.AlignedData {
  return [
    samples.map(({ at }) => at / 1000),
    samples.map(({ left }) => left),
    samples.map(({ held }) => held),
    samples.map(({ sold }) => sold),
  ];
}

/** The tokens' colours as they are now: a canvas does not follow the style sheet. */
function token(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function plotOptions(words: Words, locale: string, width: number): UPlot.Options {
  const font = `13px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: token('ink-soft'),
    font,
    grid: { stroke: token('line'), width: 1 },
    ticks: { stroke: token('line'), width: 1 },
  };
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const number = new Intl.NumberFormat(locale);
  const stepped = UPlot.paths.stepped?.({ align: 1 });
  const paths = stepped === undefined ? {} : { paths: stepped };
  const series = (label: string, colour: string, dash: number[]): UPlot.Series => ({
    label,
    stroke: token(colour),
    width: 2.5,
    dash,
    points: { show: false },
    ...paths,
  });
  return {
    width: Math.max(200, width),
    height: HEIGHT,
    legend: {
      live: false,
      markers: { width: 3, dash: (_plot, index) => DASHES[index] ?? 'solid' },
    },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_plot, _least, most) => [0, Math.max(1, most)] } },
    axes: [
      {
        ...axis,
        space: 100,
        incrs: SECONDS,
        values: (_plot, ticks) => ticks.map((at) => clock.format(at * 1000)),
      },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map((value) => number.format(value)) },
    ],
    series: [
      { label: '', value: (_plot, at) => (at === null ? '' : clock.format(at * 1000)) },
      series(words.left, 'jade', []),
      series(words.held, 'ochre', [8, 5]),
      series(words.sold, 'slate', [2, 4]),
    ],
  };
}

/** Changes whenever the page turns light or dark. */
function useLook(): number {
  const [look, setLook] = useState(0);
  useEffect(() => {
    const change = () => setLook((count) => count + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', change);
    const observer = new MutationObserver(change);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      system.removeEventListener('change', change);
      observer.disconnect();
    };
  }, []);
  return look;
}

function SampleTable({ samples, words }: { samples: readonly Sample[]; words: Words }) {
  const text = useText();
  const locale = useLocale();
  const number = (value: number) => text('number', { value });
  return (
    <table className="table">
      <caption className="kicker pb-2 text-start">{text('studio.tableCaption')}</caption>
      <thead>
        <tr>
          <th scope="col">{text('studio.time')}</th>
          <th scope="col" className="number">
            {words.left}
          </th>
          <th scope="col" className="number">
            {words.held}
          </th>
          <th scope="col" className="number">
            {words.sold}
          </th>
        </tr>
      </thead>
      <tbody>
        {tableRows(samples, TABLE_ROWS).map((row) => (
          <tr key={row.at}>
            <th scope="row" className="font-normal">
              {formatClock(row.at, locale)}
            </th>
            <td className="number">{number(row.left)}</td>
            <td className="number">{number(row.held)}</td>
            <td className="number">{number(row.sold)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
