import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from './browsing.ts';
import { gone, openWorld, seen, showsFigures, until } from './world.ts';

const skip = CHROMIUM === null && 'there is no Chromium';
const world = skip === false ? await openWorld() : null;
if (world !== null) {
  const { dibs, host } = world;
  const panelOf = (page: Page) => page.getByRole('region', { name: 'Claim', exact: true });

  test('two browsers see the same stock within two seconds', async () => {
    const drop = await world.makeDrop({ stock: 6 });
    const visitors = await Promise.all([world.visitor(), world.visitor({ width: 390 })]);
    for (const { page } of visitors) await page.goto(`/drops/${drop.id}`);
    for (const { page } of visitors) await showsFigures(panelOf(page), { left: 6 });
    const buyer = await world.person();
    const { orderId } = await buyer.drops.claim(drop.id);
    await Promise.all(
      visitors.map(({ page }) => showsFigures(panelOf(page), { left: 5, held: 1, sold: 0 }, 2_000)),
    );
    await buyer.orders.pay(orderId, { provider: 'sandbox' });
    await Promise.all(
      visitors.map(({ page }) => showsFigures(panelOf(page), { left: 5, held: 0, sold: 1 }, 2_000)),
    );
    for (const visitor of visitors) {
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    }
  });

  for (const skewHours of [1, -1]) {
    test(`the countdown is true with a clock that is ${skewHours} h off`, async () => {
      const drop = await world.makeDrop({ opensInMs: 7_000 });
      const visitor = await world.visitor({ script: skewedDate(skewHours * 3_600_000) });
      const { page } = visitor;
      await page.goto(`/drops/${drop.id}`);
      await seen(page.getByRole('timer', { name: 'Opens in' }));
      const errors = await page.evaluate(watchCountdown, Date.parse(drop.opensAt));
      const middle = errors.toSorted((a, b) => a - b)[Math.floor(errors.length / 2)] ?? NaN;
      assert.ok(errors.length >= 20, `${errors.length} changes of the display were seen`);
      assert.ok(Math.abs(middle) < 50, `off by ${errors.map(Math.round).join(', ')} ms`);
      await seen(page.getByText('Open', { exact: true }), 5_000);
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    });
  }

  // These mostly wait, each with a drop and a browser of its own.
  describe('side by side', { concurrency: 3 }, () => {
    test('a claim in the fair window waits, is decided, and the page tells how', async () => {
      const drop = await world.makeDrop({ stock: 1, fairWindowMs: 5_000, opensInMs: 4_000 });
      const visitor = await world.visitor();
      const { page } = visitor;
      await visitor.register();
      await page.goto(`/drops/${drop.id}`);
      await seen(
        page.getByText('Their order is drawn by a seed fixed beforehand', { exact: false }),
      );
      await page.getByRole('button', { name: 'Claim one' }).click();
      await seen(
        page.getByText('Your claim is in. The answer comes when the window closes.').first(),
      );
      const rival = await world.person();
      const other = rival.drops.claim(drop.id, {}, { timeoutMs: 20_000 }).then(
        () => 'won' as const,
        (refusal) => refusal.code as string,
      );
      await seen(page.getByText('2 claims are in'));
      const won = page.getByText('You got one. Pay in time to keep it.').first();
      const lost = page.getByText('Sold out. You can join the waiting list.').first();
      await seen(won.or(lost));
      assert.deepEqual(
        [await won.isVisible(), await other],
        [(await other) !== 'won', (await other) === 'won' ? 'won' : 'sold_out'],
      );
      await seen(page.getByText('Seed, revealed'));
      const audit = await host.proof.audit(drop.id);
      assert.deepEqual([audit.ok, audit.log.held], [true, 1]);
      visitor.expect(/409/);
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    });

    test('who waits is offered what expires, is told at once, and pays', async () => {
      const drop = await world.makeDrop({ stock: 1, payWithinSeconds: 6 });
      const idler = await world.person();
      await idler.drops.claim(drop.id);
      const visitor = await world.visitor();
      const { page } = visitor;
      await visitor.register();
      await page.goto(`/drops/${drop.id}`);
      await page.getByRole('button', { name: 'Join the waiting list' }).click();
      await seen(page.getByText('You are next on the waiting list.').first());
      const pay = panelOf(page).getByRole('button', { name: 'Pay €12.50 with play money' });
      await seen(pay);
      const offered = 'A unit came back and is held for you. Pay in time to keep it.';
      assert.ok((await visitor.heardAs('alert')).includes(offered), 'the offer is said at once');
      await pay.click();
      await seen(panelOf(page).getByText('Paid', { exact: true }));
      await showsFigures(panelOf(page), { left: 0, held: 0, sold: 1 });
      await seen(page.getByText('Sold out: every unit is paid.'));
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    });

    test('the pay page: declined, then approved', async () => {
      const drop = await world.makeDrop({ stock: 2 });
      const visitor = await world.visitor();
      const { page } = visitor;
      await visitor.register();
      await page.goto(`/drops/${drop.id}`);
      await page.getByRole('button', { name: 'Claim one' }).click();
      const decide = async (name: string, words: string) => {
        await page.getByRole('button', { name: 'Open the test pay page' }).click();
        await page.getByRole('button', { name, exact: true }).click();
        await seen(page.getByText(words).first());
        await page.getByRole('link', { name: 'Back to the order' }).click();
      };
      await decide('Decline', 'Declined. Nothing was charged.');
      await seen(page.getByText('Held for you until the time is up.'));
      await decide('Approve', 'Approved. The order is being settled.');
      await seen(page.getByText('Paid. It is yours.').first());
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    });

    test('the pay page: never answered, the order expires and says so', async () => {
      const drop = await world.makeDrop({ stock: 2, payWithinSeconds: 5 });
      const visitor = await world.visitor();
      const { page } = visitor;
      await visitor.register();
      await page.goto(`/drops/${drop.id}`);
      await page.getByRole('button', { name: 'Claim one' }).click();
      await page.getByRole('button', { name: 'Open the test pay page' }).click();
      await seen(page.getByText('Or never answer', { exact: false }));
      await page.getByRole('link', { name: 'Back to the order' }).click();
      await seen(page.getByText('It was not paid in time, so the units went back.'));
      assert.equal((await host.drops.get(drop.id)).left, 2);
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    });

    test('stock is told at most once in five seconds, times at their thresholds alone', async () => {
      const drop = await world.makeDrop({ stock: 40, opensInMs: 14_000 });
      const visitor = await world.visitor();
      const { page } = visitor;
      await page.goto(`/drops/${drop.id}`);
      await seen(page.getByRole('timer', { name: 'Opens in' }));
      const admin = await world.admin();
      const { people } = await admin.admin.mintSynthetic({ count: 30 });
      const status = page.getByText('Open', { exact: true });
      await seen(status, 20_000);
      for (const { accessToken } of people) {
        await fetch(`${world.url}/v1/drops/${drop.id}/claims`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${accessToken}`,
            'content-type': 'application/json',
            'idempotency-key': crypto.randomUUID(),
          },
          body: JSON.stringify({ quantity: 1 }),
        });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await showsFigures(panelOf(page), { left: 10 });
      await until(
        async () => (await visitor.heardAs('status')).includes('10 of 40 left'),
        'the last figure is told',
      );
      const told = (await visitor.heard()).filter(({ voice }) => voice === 'status');
      const times = told.filter(({ text }) => !/ left$/.test(text)).map(({ text }) => text);
      assert.deepEqual(times, ['Opens in 10 seconds', 'Opens in 5 seconds', 'Open now.']);
      const stock = told.filter(({ text }) => / left$/.test(text));
      assert.ok(stock.length <= 3, `told: ${stock.map(({ text }) => text).join('; ')}`);
      for (const [index, { at }] of stock.entries()) {
        const before = stock[index - 1]?.at ?? Number.NEGATIVE_INFINITY;
        assert.ok(at - before > 4_900, `${at - before} ms after the one before`);
      }
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    });
  });

  test('a restarted server: the banner comes and goes, and the figures are right', async () => {
    const drop = await world.makeDrop({ stock: 6 });
    const buyer = await world.person();
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto(`/drops/${drop.id}`);
    await buyer.drops.claim(drop.id);
    await showsFigures(panelOf(page), { left: 5, held: 1 });
    await dibs.end('SIGTERM');
    const lost = 'Connection lost. Figures may be old; reconnecting…';
    const banner = page.getByRole('paragraph').filter({ hasText: lost });
    await seen(banner);
    await until(async () => (await visitor.heardAs('alert')).includes(lost), 'the loss is said');
    await dibs.start();
    const second = await world.person();
    await second.drops.claim(drop.id);
    await until(
      async () => (await visitor.heardAs('alert')).includes('Connected again.'),
      'the return is said',
      20_000,
    );
    await gone(banner);
    await showsFigures(panelOf(page), { left: 4, held: 2, sold: 0 });
    const third = await world.person();
    await third.drops.claim(drop.id);
    await showsFigures(panelOf(page), { left: 3, held: 3, sold: 0 }, 2_000);
    visitor.expect(/ERR_|503/);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });
} else test('live pages', { skip }, () => {});

/** Shifts what scripts get from Date; the monotonic clock stays, as on a device with a wrong time. */
function skewedDate(byMs: number): string {
  return `{
    const Real = Date;
    globalThis.Date = class Date extends Real {
      constructor(...given) {
        if (given.length === 0) super(Real.now() + ${byMs});
        else super(...given);
      }
      static now() { return Real.now() + ${byMs}; }
    };
  }`;
}

/**
 * Runs in the page. How far the countdown to `opensAt` was ahead (-) or behind (+) in ms at each
 * change of its tenths, until it is gone; server and browser share this machine's clock.
 */
function watchCountdown(opensAt: number): Promise<number[]> {
  return new Promise((resolve) => {
    const errors: number[] = [];
    const observer = new MutationObserver(() => {
      const digits = document.querySelector('main [role=timer]')?.textContent ?? '';
      const leftMs = opensAt - (performance.timeOrigin + performance.now());
      if (/^\d\.\d$/.test(digits)) errors.push(Number(digits) * 1000 - leftMs);
      if (leftMs > 300) return;
      observer.disconnect();
      resolve(errors);
    });
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}
