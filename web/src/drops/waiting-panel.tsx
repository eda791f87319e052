import type { Drop } from '@dibs/sdk/wire';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { Stepper } from '../controls/stepper.tsx';
import { useText } from '../messages/text.ts';
import { Said } from '../shell/said.tsx';

/** The waiting list of a sold-out drop: join it, see the place, leave it. */
export function WaitingPanel(props: {
  drop: Drop;
  /** Joining makes sense now. */
  isOffered: boolean;
  place: { readonly ahead: number } | null;
  maximum: number;
}) {
  const text = useText();
  const { drop, place } = props;
  const [quantity, setQuantity] = useState(1);
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: ['own', drop.id] });
  const join = useMutation({
    mutationFn: () => client.drops.wait(drop.id, { quantity: Math.min(quantity, props.maximum) }),
    onSuccess,
  });
  const leave = useMutation({ mutationFn: () => client.drops.leaveWaiting(drop.id), onSuccess });
  const error = join.error ?? leave.error;
  if (place !== null) {
    return (
      <div className="grid justify-items-start gap-3 rounded-2xl bg-ochre-wash p-4">
        <p className="font-semibold">
          <Said words={text('waiting.place', { ahead: place.ahead })} />
        </p>
        <p className="text-soft">{text('waiting.next')}</p>
        <Button isPending={leave.isPending} onPress={() => leave.mutate()}>
          {text('waiting.leave')}
        </Button>
        {error !== null && <ErrorNote error={error} />}
      </div>
    );
  }
  if (!props.isOffered) return null;
  return (
    <div className="grid gap-3">
      <p>{text('waiting.why')}</p>
      <div className="flex flex-wrap items-end gap-3">
        {props.maximum > 1 && (
          <Stepper
            label={text('claim.quantity')}
            value={Math.min(quantity, props.maximum)}
            minimum={1}
            maximum={props.maximum}
            onChange={setQuantity}
          />
        )}
        <Button
          kind="main"
          isLarge
          className="flex-1"
          isPending={join.isPending}
          onPress={() => join.mutate()}
        >
          {text('waiting.join')}
        </Button>
      </div>
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}
