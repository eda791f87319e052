import { type ReactNode, useId } from 'react';
import { Field, type FieldProps } from '../controls/field.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import { zoneName } from '../time/instants.ts';
import { CURRENCIES, type DraftErrors, type DropDraft } from './new-drop.ts';

interface Props {
  readonly draft: DropDraft;
  readonly errors: DraftErrors;
  readonly onChange: (changed: Partial<DropDraft>) => void;
}

/** All fields of a drop in four groups: the thing, the price, the time, the rules. */
export function DraftFields(props: Props) {
  const text = useText();
  const zone = text('studio.zone', { zone: zoneName() });
  const field = (
    name: keyof DropDraft,
    label: MessageId,
    more: Partial<FieldProps> & { hintId?: MessageId } = {},
  ) => {
    const { hintId, ...rest } = more;
    const error = props.errors[name];
    return (
      <Field
        name={name}
        label={text(label)}
        value={props.draft[name]}
        onChange={(value) => props.onChange({ [name]: value })}
        error={error === undefined ? undefined : text(error)}
        {...(hintId === undefined ? {} : { hint: text(hintId) })}
        {...rest}
      />
    );
  };
  const whole = { inputMode: 'numeric', isRequired: true } as const;
  return (
    <>
      <Group title={text('studio.group.thing')}>
        {field('title', 'studio.field.title', { isRequired: true, maxLength: 120 })}
        {field('description', 'studio.field.description', { isLong: true, maxLength: 5_000 })}
        {field('pictureUrl', 'studio.field.pictureUrl', {
          hintId: 'studio.hint.pictureUrl',
          inputMode: 'url',
          maxLength: 500,
        })}
        {field('pictureText', 'studio.field.pictureText', {
          hintId: 'studio.hint.pictureText',
          maxLength: 500,
        })}
      </Group>
      <Group title={text('studio.group.price')} isSplit>
        {field('price', 'studio.field.price', {
          inputMode: 'decimal',
          isRequired: true,
          hintId: 'studio.hint.price',
        })}
        <CurrencyField {...props} />
        {field('stock', 'studio.field.stock', whole)}
      </Group>
      <Group title={text('studio.group.time')} isSplit>
        {field('opensAt', 'studio.field.opensAt', {
          type: 'datetime-local',
          step: 1,
          isRequired: true,
          hint: zone,
        })}
        {field('closesAt', 'studio.field.closesAt', {
          type: 'datetime-local',
          step: 1,
          hint: `${text('studio.hint.closesAt')} ${zone}`,
        })}
      </Group>
      <Group title={text('studio.group.rules')} isSplit>
        {field('limitPerPerson', 'studio.field.limit', whole)}
        {field('quantityMax', 'studio.field.quantityMax', whole)}
        {field('payWithinSeconds', 'studio.field.payWithin', {
          ...whole,
          hintId: 'studio.hint.payWithin',
        })}
        {field('fairWindowMs', 'studio.field.fairWindow', {
          ...whole,
          hintId: 'studio.hint.fairWindow',
        })}
      </Group>
    </>
  );
}

function Group(props: { title: string; isSplit?: boolean; children: ReactNode }) {
  return (
    <fieldset>
      <legend className="mb-4 font-display text-xl font-semibold">{props.title}</legend>
      <div className={`grid gap-5 ${props.isSplit === true ? 'sm:grid-cols-2' : ''}`}>
        {props.children}
      </div>
    </fieldset>
  );
}

function CurrencyField({ draft, onChange }: Props) {
  const text = useText();
  const id = useId();
  return (
    <div className="grid content-start gap-1.5">
      <label htmlFor={id} className="font-semibold">
        {text('studio.field.currency')}
      </label>
      <select
        id={id}
        name="currency"
        className="input"
        value={draft.currency}
        onChange={(event) => onChange({ currency: event.target.value })}
      >
        {CURRENCIES.map((currency) => (
          <option key={currency}>{currency}</option>
        ))}
      </select>
    </div>
  );
}
