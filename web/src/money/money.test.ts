import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMoney, fractionDigits, parseAmount } from './money.ts';

test('money is shown with as many digits as its currency has', () => {
  assert.equal(formatMoney({ amount: 4900, currency: 'EUR' }, 'en'), '€49.00');
  assert.equal(formatMoney({ amount: 4900, currency: 'JPY' }, 'en'), '¥4,900');
  assert.equal(
    formatMoney({ amount: 4900, currency: 'KWD' }, 'en').replace(/\s/u, ' '),
    'KWD 4.900',
  );
  assert.match(formatMoney({ amount: 9_999_999, currency: 'CNY' }, 'zh-Hans'), /¥99,999\.99/);
});

test('what is typed becomes minor units, or is refused', () => {
  assert.equal(fractionDigits('JPY'), 0);
  assert.equal(parseAmount('49', 'EUR'), 4900);
  assert.equal(parseAmount(' 49.5 ', 'EUR'), 4950);
  assert.equal(parseAmount('49,05', 'EUR'), 4905);
  assert.equal(parseAmount('0', 'EUR'), 0);
  assert.equal(parseAmount('4900', 'JPY'), 4900);
  assert.equal(parseAmount('1.234', 'KWD'), 1234);
  assert.equal(parseAmount('999999.99', 'EUR'), 99_999_999);
  for (const typed of ['', '-1', '1.234', '1e3', 'twelve', '1000000', '1.2.3']) {
    assert.equal(parseAmount(typed, 'EUR'), null, typed);
  }
  assert.equal(parseAmount('1.5', 'JPY'), null);
});
