import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHROMIUM } from './browsing.ts';
import { openWorld, seen, showsFigures, until } from './world.ts';

const skip = CHROMIUM === null && 'there is no Chromium';
const world = skip === false ? await openWorld() : null;
if (world !== null) {
  const { dibs, url, host } = world;

  test('one URL is printed, and home shows the demo drop with a countdown', async () => {
    assert.deepEqual(dibs.printed.match(/https?:\S+/g), [url]);
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto('/');
    await seen(page.getByRole('heading', { level: 1 }));
    const stage = page.getByRole('region', { name: 'On stage' });
    await seen(stage.getByRole('link', { name: 'Night market lantern, first edition' }));
    const { demo } = await host.installation.get();
    const drop = await host.drops.get(demo?.drop ?? '');
    if (drop.status === 'scheduled') {
      await seen(stage.getByRole('timer', { name: 'Opens in' }));
    }
    await showsFigures(stage, { left: 100, held: 0, sold: 0 });
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('one click enters, one claims, one pays; the stock bar moves', async () => {
    const drop = await world.makeDrop({ stock: 4, opensInMs: 4_000, title: 'Brass bell' });
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto('/');
    await page.getByRole('button', { name: /^Be Milo/ }).click();
    await seen(page.getByRole('link', { name: 'Milo: your profile' }));
    await page.getByRole('link', { name: 'Brass bell' }).click();
    await seen(page.getByRole('heading', { level: 1, name: 'Brass bell' }));
    await page.getByRole('button', { name: 'Claim one' }).click();
    await seen(page.getByText('You got one. Pay in time to keep it.').first());
    const panel = page.getByRole('region', { name: 'Claim' });
    await showsFigures(panel, { left: 3, held: 1, sold: 0 });
    await panel.getByRole('button', { name: 'Pay €12.50 with play money' }).click();
    await seen(panel.getByText('Paid', { exact: true }));
    await showsFigures(panel, { left: 3, held: 0, sold: 1 });
    await page.getByRole('link', { name: 'My orders' }).click();
    const row = page.getByRole('listitem').filter({ hasText: 'Brass bell' });
    await seen(row.getByText('Paid', { exact: true }));
    const { sold, held, left } = await host.drops.get(drop.id);
    assert.deepEqual({ sold, held, left }, { sold: 1, held: 0, left: 3 });
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('the host watches live figures, pauses, resumes, restocks and ends', async () => {
    const drop = await world.makeDrop({ stock: 5, title: 'Tin whistle' });
    const visitor = await world.visitor();
    const { page } = visitor;
    await visitor.enter('host');
    await page.goto('/studio');
    await page.getByRole('link', { name: 'Tin whistle' }).click();
    const main = page.getByRole('main');
    await showsFigures(main, { left: 5, held: 0, sold: 0, waiting: 0 });
    const buyer = await world.person();
    const { orderId } = await buyer.drops.claim(drop.id);
    await showsFigures(main, { left: 4, held: 1, sold: 0 }, 2_000);
    await buyer.orders.pay(orderId, { provider: 'sandbox' });
    await showsFigures(main, { left: 4, held: 0, sold: 1 }, 2_000);
    await seen(page.getByText('€12.50'));
    const steer = async (button: string, status: string) => {
      await page.getByRole('button', { name: button, exact: true }).click();
      const dialog = page.getByRole('alertdialog');
      await dialog.getByRole('button', { name: button, exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
      await seen(main.getByText(status, { exact: true }));
    };
    await steer('Pause', 'Paused');
    await assert.rejects(buyer.drops.claim(drop.id), { code: 'paused' });
    await steer('Resume', 'Open');
    await page.getByRole('button', { name: 'Add units' }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByRole('textbox', { name: 'How many more' }).fill('7');
    await dialog.getByRole('button', { name: 'Add units' }).click();
    await showsFigures(main, { left: 11, held: 0, sold: 1 });
    await steer('End', 'Over');
    await seen(page.getByText('This drop is over.'));
    await assert.rejects(buyer.drops.claim(drop.id), { code: 'ended' });
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('a crowd is unleashed by a button and the demo drop sells out', async () => {
    const { demo } = await host.installation.get();
    const id = demo?.drop ?? '';
    await until(
      async () => (await host.drops.get(id)).status === 'open',
      'the demo drop is open',
      40_000,
    );
    const visitor = await world.visitor();
    const { page } = visitor;
    await visitor.enter('member');
    await page.goto(`/drops/${id}`);
    await page.getByRole('combobox', { name: 'How many' }).selectOption('500');
    await page.getByRole('button', { name: 'Send them in' }).click();
    await seen(page.getByText('500 people are on the way.').first());
    await seen(page.getByText('All taken', { exact: true }), 40_000);
    await seen(page.getByRole('region', { name: 'As it happens' }));
    const audit = await host.proof.audit(id);
    assert.equal(audit.log.stock, 100);
    assert.equal(audit.log.sold + audit.log.held + audit.log.left, 100);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });
} else test('the first five minutes', { skip }, () => {});
