import type { Money } from '@dibs/sdk/wire';

/** How many digits of a currency's minor unit there are: 2 for EUR, 0 for JPY, 3 for KWD. */
export function fractionDigits(currency: string): number {
  const options = formatter('en', currency).resolvedOptions();
  return options.maximumFractionDigits ?? 2;
}

/** An amount of minor units as people of `locale` write it. */
export function formatMoney(money: Money, locale: string): string {
  const digits = fractionDigits(money.currency);
  return formatter(locale, money.currency).format(money.amount / 10 ** digits);
}

/** `price` for `quantity` units. */
export function times(price: Money, quantity: number): Money {
  return { amount: price.amount * quantity, currency: price.currency };
}

/**
 * Minor units of what somebody typed (`12`, `12.50`, `12,5`), or null when it is no amount of that
 * currency between 0 and 99,999,999 minor units.
 */
export function parseAmount(typed: string, currency: string): number | null {
  const match = /^(\d{1,9})(?:[.,](\d{1,4}))?$/.exec(typed.trim());
  if (match === null) return null;
  const digits = fractionDigits(currency);
  const fraction = match[2] ?? '';
  if (fraction.length > digits) return null;
  const amount = Number(`${match[1]}${fraction.padEnd(digits, '0')}`);
  return amount <= 99_999_999 ? amount : null;
}

const formatters = new Map<string, Intl.NumberFormat>();

function formatter(locale: string, currency: string): Intl.NumberFormat {
  const key = `${locale} ${currency}`;
  let found = formatters.get(key);
  if (found === undefined) {
    found = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
    });
    formatters.set(key, found);
  }
  return found;
}
