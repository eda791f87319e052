import type { ReactNode } from 'react';

/** Icons of our own, drawn on a 24 grid with a 1.75 line; always beside or inside a name. */
function Icon({ children, className = 'size-5' }: { children: ReactNode; className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`${className} shrink-0`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

type Props = { className?: string };

export const SealIcon = (props: Props) => (
  <svg viewBox="0 0 64 64" className={props.className ?? 'size-8'} aria-hidden="true">
    <rect width="64" height="64" rx="14" fill="var(--accent)" />
    <path fill="var(--on-accent)" d="M16 14h13a18 18 0 0 1 0 36H16z" />
    <circle cx="29" cy="32" r="8" fill="var(--accent)" />
    <circle cx="49" cy="17" r="4" fill="var(--on-accent)" />
  </svg>
);
export const DropIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11z" />
    <path d="M9.5 14.5a2.5 2.5 0 0 0 2.5 2.5" />
  </Icon>
);
export const OrdersIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M6 3h12v18l-3-2-3 2-3-2-3 2z" />
    <path d="M9.5 8.5h5M9.5 12.5h5" />
  </Icon>
);
export const StudioIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M4 9h16l-1.2-4.5H5.200z" />
    <path d="M5.5 9v11h13V9M9.5 20v-6h5v6" />
  </Icon>
);
export const VerifyIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z" />
    <path d="M8.8 11.800l2.3 2.3 4.2-4.4" />
  </Icon>
);
export const PersonIcon = (props: Props) => (
  <Icon {...props}>
    <circle cx="12" cy="8.5" r="3.75" />
    <path d="M4.5 20.500c1-4 4-5.5 7.5-5.500s6.5 1.5 7.5 5.5" />
  </Icon>
);
export const SunIcon = (props: Props) => (
  <Icon {...props}>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.600l1.4 1.400M17 17l1.4 1.400M5.6 18.400L7 17M17 7l1.4-1.4" />
  </Icon>
);
export const MoonIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z" />
  </Icon>
);
export const SystemIcon = (props: Props) => (
  <Icon {...props}>
    <circle cx="12" cy="12" r="8" />
    <path d="M12 4v16a8 8 0 0 0 0-16z" fill="currentColor" />
  </Icon>
);
export const CheckIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M5 12.500l4.5 4.500L19 7.5" />
  </Icon>
);
export const CrossIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M6.5 6.500l11 11M17.5 6.500l-11 11" />
  </Icon>
);
export const ClockIcon = (props: Props) => (
  <Icon {...props}>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M12 7.500V12l3 2" />
  </Icon>
);
export const PauseIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M8.5 6v12M15.5 6v12" />
  </Icon>
);
export const WarnIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M12 4l9 16H3z" />
    <path d="M12 10v4.500M12 17.200v.1" />
  </Icon>
);
export const GlobeIcon = (props: Props) => (
  <Icon {...props}>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M3.5 12h17M12 3.500c3 3 3 14 0 17M12 3.500c-3 3-3 14 0 17" />
  </Icon>
);
export const ArrowIcon = (props: Props) => (
  <Icon {...props}>
    <path d="M5 12h14M13 6l6 6-6 6" />
  </Icon>
);
