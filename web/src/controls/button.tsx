import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';

export interface ButtonProps {
  readonly children: ReactNode;
  readonly kind?: 'plain' | 'main' | 'danger';
  readonly isLarge?: boolean;
  readonly isDisabled?: boolean;
  /** Busy: it keeps the focus and its place, and presses do nothing. */
  readonly isPending?: boolean;
  readonly type?: 'button' | 'submit';
  readonly onPress?: () => void;
  readonly className?: string;
  readonly label?: string;
  readonly describedBy?: string;
}

const LOOK = { plain: '', main: 'button-main', danger: 'button-danger' } as const;

export function Button(props: ButtonProps) {
  const { kind = 'plain', isLarge = false, className = '' } = props;
  return (
    <AriaButton
      className={`button ${LOOK[kind]} ${isLarge ? 'button-large' : ''} ${className}`}
      type={props.type ?? 'button'}
      isDisabled={props.isDisabled ?? false}
      isPending={props.isPending ?? false}
      {...(props.onPress === undefined ? {} : { onPress: props.onPress })}
      {...(props.label === undefined ? {} : { 'aria-label': props.label })}
      {...(props.describedBy === undefined ? {} : { 'aria-describedby': props.describedBy })}
    >
      {props.children}
      {props.isPending === true && <Spinner />}
    </AriaButton>
  );
}

function Spinner() {
  return (
    <span
      aria-hidden="true"
      className="size-4 animate-spin rounded-full border-2 border-current border-t-transparent"
    />
  );
}
