import type { HTMLInputTypeAttribute, ReactNode } from 'react';
import { FieldError } from 'react-aria-components/FieldError';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { Text as AriaText } from 'react-aria-components/Text';
import { TextArea } from 'react-aria-components/TextArea';
import { TextField } from 'react-aria-components/TextField';
import { WarnIcon } from '../shell/icons.tsx';

export interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly value?: string;
  readonly onChange?: (value: string) => void;
  readonly type?: HTMLInputTypeAttribute;
  readonly inputMode?: 'text' | 'numeric' | 'decimal' | 'url';
  readonly isRequired?: boolean;
  readonly isLong?: boolean;
  readonly autoComplete?: string;
  readonly maxLength?: number;
  readonly step?: number;
}

/** A labelled input with its hint and its error, all linked for readers. */
export function Field(props: FieldProps) {
  const { error, hint } = props;
  const inputClass = `input ${props.isLong === true ? 'min-h-32' : ''}`;
  return (
    <TextField
      name={props.name}
      className="grid min-w-0 grid-cols-[minmax(0,1fr)] content-start gap-1.5"
      type={(props.type ?? 'text') as 'text'}
      isInvalid={error !== undefined}
      isRequired={props.isRequired ?? false}
      validationBehavior="aria"
      {...(props.value === undefined ? {} : { value: props.value })}
      {...(props.onChange === undefined ? {} : { onChange: props.onChange })}
      {...(props.autoComplete === undefined ? {} : { autoComplete: props.autoComplete })}
      {...(props.maxLength === undefined ? {} : { maxLength: props.maxLength })}
      {...(props.inputMode === undefined ? {} : { inputMode: props.inputMode })}
    >
      <Label className="font-semibold">{props.label}</Label>
      {props.isLong === true ? (
        <TextArea className={inputClass} rows={5} />
      ) : (
        <Input className={inputClass} {...(props.step === undefined ? {} : { step: props.step })} />
      )}
      {hint !== undefined && (
        <AriaText slot="description" className="text-sm text-soft">
          {hint}
        </AriaText>
      )}
      {error !== undefined && (
        <FieldError className="flex items-start gap-1.5 text-sm font-semibold text-danger">
          <WarnIcon className="mt-0.5 size-4" />
          {error}
        </FieldError>
      )}
    </TextField>
  );
}
