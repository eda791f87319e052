/** How instants and spans are written. Pure: the locale and the time zone come in. */

/** Date and time to the minute, as people of `locale` write them; `timeZone` only in tests. */
export function formatInstant(at: string | number, locale: string, timeZone?: string): string {
  return formatter(locale, 'minute', timeZone).format(new Date(at));
}

/** The time of day to the second, with the zone's name. */
export function formatClock(at: string | number, locale: string, timeZone?: string): string {
  return formatter(locale, 'second', timeZone).format(new Date(at));
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: string, to: 'minute' | 'second', timeZone?: string) {
  const key = `${locale} ${to} ${timeZone}`;
  let found = formatters.get(key);
  if (found === undefined) {
    const zone = timeZone === undefined ? {} : { timeZone };
    found = new Intl.DateTimeFormat(
      locale,
      to === 'minute'
        ? { dateStyle: 'medium', timeStyle: 'short', ...zone }
        : { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short', ...zone },
    );
    formatters.set(key, found);
  }
  return found;
}

/**
 * What a `datetime-local` input holds, in the device's zone, for an instant; and back.
 * Null for what is no instant.
 */
export function toLocalInput(at: number): string {
  const date = new Date(at);
  const local = new Date(at - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

export function fromLocalInput(value: string): number | null {
  if (value === '') return null;
  const at = new Date(value).getTime();
  return Number.isFinite(at) ? at : null;
}

/** The device's time zone, such as `Europe/Berlin`. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
