import type { Drop } from '@dibs/sdk/wire';
import { memo, useState } from 'react';
import { ART_COLUMNS, ART_ROWS, drawArt, type Patch } from './art.ts';

/** A drop's picture with its alternative text, or art made from its id. */
export function DropPicture(props: {
  drop: Pick<Drop, 'id' | 'pictureUrl' | 'pictureText'>;
  /** The first screen's pictures load at once, the others when they come near. */
  isEager?: boolean;
  className?: string;
}) {
  const { drop, className = '' } = props;
  const [hasFailed, setFailed] = useState(false);
  if (drop.pictureUrl === null || hasFailed) {
    return (
      <div className={`overflow-hidden ${className}`}>
        <Art id={drop.id} />
      </div>
    );
  }
  return (
    <img
      src={drop.pictureUrl}
      alt={drop.pictureText}
      className={`object-cover ${className}`}
      loading={props.isEager === true ? 'eager' : 'lazy'}
      decoding="async"
      referrerPolicy="no-referrer"
      onError={() => setFailed(true)}
    />
  );
}

/** Says nothing to readers: it shows nothing that the words beside it do not. */
const Art = memo(function Art({ id }: { id: string }) {
  return (
    <svg
      viewBox={`0 0 ${ART_COLUMNS} ${ART_ROWS}`}
      preserveAspectRatio="xMidYMid slice"
      className="size-full"
      aria-hidden="true"
    >
      {drawArt(id).map((patch) => (
        <PatchShape key={`${patch.column} ${patch.row}`} patch={patch} />
      ))}
    </svg>
  );
});

const PATHS = {
  quarter: 'M0 0H1A1 1 0 0 1 0 1z',
  half: 'M0 0H1A.5 .5 0 0 1 0 0z',
  disc: 'M.5 .12A.38 .38 0 0 1 .5 .88A.38 .38 0 0 1 .5 .12z',
  plain: '',
} as const;

function PatchShape({ patch }: { patch: Patch }) {
  const { column, row, shape, turns, ground, figure } = patch;
  return (
    <g transform={`translate(${column} ${row}) rotate(${turns * 90} .5 .5)`}>
      <rect x="-.005" y="-.005" width="1.01" height="1.01" fill={ground} />
      {shape !== 'plain' && <path d={PATHS[shape]} fill={figure} />}
    </g>
  );
}
