/** The pure part of every countdown: what to show, how often, and when to speak. */

/**
 * Seconds before an instant at which a screen reader is told. That it has come is told by the screen,
 * which may learn it from the stream before this clock does.
 */
export const THRESHOLDS_SECONDS = [300, 60, 30, 10, 5] as const;
export type Threshold = (typeof THRESHOLDS_SECONDS)[number];

/** Below this the display follows the screen's frames and shows tenths of a second. */
export const FINE_BELOW_MS = 10_000;

/**
 * The threshold reached on the way from `beforeMs` to `nowMs` (both: what was left), or null.
 * After a jump over several of them (a tab that slept) only the last counts.
 */
export function crossedThreshold(beforeMs: number, nowMs: number): Threshold | null {
  if (nowMs <= 0) return null;
  let crossed: Threshold | null = null;
  for (const seconds of THRESHOLDS_SECONDS) {
    if (beforeMs > seconds * 1000 && nowMs <= seconds * 1000) crossed = seconds;
  }
  return crossed;
}

export interface CountdownParts {
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  /** Tenths of a second, or null where the display is not that fine. */
  readonly tenths: number | null;
}

/**
 * What is left, rounded up, so that the display says 0 at the very instant and not before; below
 * ten seconds to the tenth.
 */
export function countdownParts(leftMs: number): CountdownParts {
  const clamped = Math.max(0, leftMs);
  if (clamped < FINE_BELOW_MS) {
    const tenths = Math.ceil(clamped / 100);
    return { days: 0, hours: 0, minutes: 0, seconds: Math.floor(tenths / 10), tenths: tenths % 10 };
  }
  const total = Math.ceil(clamped / 1000);
  return {
    days: Math.floor(total / 86_400),
    hours: Math.floor((total % 86_400) / 3600),
    minutes: Math.floor((total % 3600) / 60),
    seconds: total % 60,
    tenths: null,
  };
}

/** The digits as text: `2:05:09`, `05:09`, `9.4`. Days stand before it in words. */
export function countdownDigits(parts: CountdownParts): string {
  const two = (value: number) => String(value).padStart(2, '0');
  if (parts.tenths !== null) return `${parts.seconds}.${parts.tenths}`;
  const end = `${two(parts.minutes)}:${two(parts.seconds)}`;
  return parts.days > 0 || parts.hours > 0 ? `${parts.hours}:${end}` : end;
}

/** How long until the display changes next; 0: at the next frame. */
export function nextTickMs(leftMs: number): number {
  if (leftMs < FINE_BELOW_MS) return 0;
  const rest = leftMs % 1000;
  return rest < 1 ? 1000 : rest;
}
