import type { Drop } from '@dibs/sdk/wire';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { Confirm } from '../controls/confirm.tsx';
import { Field } from '../controls/field.tsx';
import { useText } from '../messages/text.ts';
import { useFeed } from '../stream/live.tsx';
import { parseWhole } from './new-drop.ts';

type Deed = 'pause' | 'resume' | 'restock' | 'end';

/** The host's hand on a running drop; each press is asked back, since a crowd watches. */
export function Steering({ drop }: { drop: Drop }) {
  const text = useText();
  const [deed, setDeed] = useState<Deed | null>(null);
  const close = () => setDeed(null);
  if (drop.status === 'ended') return <p className="text-soft">{text('studio.over')}</p>;
  const isPaused = drop.status === 'paused';
  return (
    <div className="flex flex-wrap gap-3">
      <Button kind="main" onPress={() => setDeed(isPaused ? 'resume' : 'pause')}>
        {text(isPaused ? 'studio.resume' : 'studio.pause')}
      </Button>
      <Button onPress={() => setDeed('restock')}>{text('studio.restock')}</Button>
      <Button kind="danger" onPress={() => setDeed('end')}>
        {text('studio.end')}
      </Button>
      <SimpleDeed drop={drop} deed="pause" isOpen={deed === 'pause'} onClose={close} />
      <SimpleDeed drop={drop} deed="resume" isOpen={deed === 'resume'} onClose={close} />
      <SimpleDeed drop={drop} deed="end" isOpen={deed === 'end'} onClose={close} />
      <Restock drop={drop} isOpen={deed === 'restock'} onClose={close} />
    </div>
  );
}

const WORDS = {
  pause: { title: 'studio.pauseTitle', lead: 'studio.pauseLead', action: 'studio.pause' },
  resume: { title: 'studio.resumeTitle', lead: 'studio.resumeLead', action: 'studio.resume' },
  end: { title: 'studio.endTitle', lead: 'studio.endLead', action: 'studio.end' },
} as const;

function useShowDrop() {
  const queries = useQueryClient();
  const feed = useFeed();
  return (drop: Drop) => {
    feed.offerFetched(drop.id, drop, drop.position);
    queries.setQueryData(['drop', drop.id], drop);
    void queries.invalidateQueries({ queryKey: ['hosted'] });
  };
}

function SimpleDeed(props: {
  drop: Drop;
  deed: 'pause' | 'resume' | 'end';
  isOpen: boolean;
  onClose: () => void;
}) {
  const text = useText();
  const show = useShowDrop();
  const words = WORDS[props.deed];
  return (
    <Confirm
      isOpen={props.isOpen}
      onClose={props.onClose}
      title={text(words.title)}
      action={text(words.action)}
      isDanger={props.deed === 'end'}
      onConfirm={async () => show(await client.drops[props.deed](props.drop.id))}
    >
      <p>{text(words.lead)}</p>
    </Confirm>
  );
}

function Restock({ drop, isOpen, onClose }: { drop: Drop; isOpen: boolean; onClose: () => void }) {
  const text = useText();
  const show = useShowDrop();
  const [typed, setTyped] = useState('10');
  const [isWrong, setWrong] = useState(false);
  const maximum = 10_000_000 - drop.stock;
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={text('studio.restockTitle')}
      action={text('studio.restock')}
      onConfirm={async () => {
        const quantity = parseWhole(typed, 1, maximum);
        setWrong(quantity === null);
        if (quantity === null) return false;
        show(await client.drops.restock(drop.id, { quantity }));
        return true;
      }}
    >
      <p>{text('studio.restockLead')}</p>
      <Field
        name="quantity"
        label={text('studio.restockQuantity')}
        value={typed}
        onChange={setTyped}
        inputMode="numeric"
        error={isWrong ? text('studio.wrong.restock', { maximum }) : undefined}
        isRequired
      />
    </Confirm>
  );
}
