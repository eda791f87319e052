import { Button } from 'react-aria-components/Button';
import { Group } from 'react-aria-components/Group';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { NumberField } from 'react-aria-components/NumberField';

export interface StepperProps {
  readonly label: string;
  readonly value: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly onChange: (value: number) => void;
}

export default function StepperField(props: StepperProps) {
  const { minimum, maximum } = props;
  const change = (value: number) => {
    if (Number.isFinite(value)) props.onChange(Math.min(maximum, Math.max(minimum, value)));
  };
  const key = 'grid w-12 place-items-center text-2xl hover:bg-wash data-[disabled]:text-soft';
  return (
    <NumberField
      className="grid gap-1.5"
      value={props.value}
      minValue={minimum}
      maxValue={maximum}
      onChange={change}
    >
      <Label className="kicker">{props.label}</Label>
      <Group className="flex h-15 overflow-hidden rounded-xl border border-edge bg-sheet">
        <Button slot="decrement" className={key}>
          <span aria-hidden="true">−</span>
        </Button>
        <Input className="digits w-14 bg-transparent text-center text-lg font-semibold" />
        <Button slot="increment" className={key}>
          <span aria-hidden="true">+</span>
        </Button>
      </Group>
    </NumberField>
  );
}
