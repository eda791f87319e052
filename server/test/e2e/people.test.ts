import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from './browsing.ts';
import { openWorld, seen, until } from './world.ts';

const skip = CHROMIUM === null && 'there is no Chromium';
const world = skip === false ? await openWorld() : null;
if (world !== null) {
  const { host } = world;
  const name = `Wren ${crypto.randomUUID().slice(0, 6)}`;
  const password = 'seven paper cranes';

  const fillIn = async (page: Page, form: 'New here' | 'Here before', given: string) => {
    const place = page.getByRole('form', { name: form });
    await place.getByRole('textbox', { name: 'Name' }).fill(name);
    await place.getByLabel('Password').fill(given);
    await place.getByRole('button').click();
  };
  const signedIn = (page: Page) => page.getByRole('link', { name: `${name}: your profile` });

  test('one registers, comes back to where one was, signs out and in again', async () => {
    const drop = await world.makeDrop();
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto(`/drops/${drop.id}`);
    await page.getByRole('link', { name: 'Sign in to claim' }).click();
    const form = page.getByRole('form', { name: 'New here' });
    await fillIn(page, 'New here', 'short');
    await seen(form.getByText('Choose a password of at least 8 characters.'));
    assert.equal(
      await page.evaluate(() => document.activeElement?.getAttribute('name')),
      'password',
    );
    await fillIn(page, 'New here', password);
    await seen(page.getByRole('button', { name: 'Claim one' }));
    await signedIn(page).click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await seen(page.getByRole('link', { name: 'Sign in', exact: true }));
    await page.goto('/orders');
    await seen(page.getByText('Sign in to see this page.'));
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await fillIn(page, 'Here before', 'seven paper planes');
    await seen(page.getByText('Name or password is wrong.').first());
    assert.ok((await visitor.heardAs('alert')).includes('Name or password is wrong.'));
    await fillIn(page, 'Here before', password);
    await seen(page.getByRole('heading', { level: 1, name: 'My orders' }));
    visitor.expect(/401.*\/v1\/sessions/);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('a name that is taken is told apart from other troubles', async () => {
    const visitor = await world.visitor();
    await visitor.page.goto('/sign-in');
    await fillIn(visitor.page, 'New here', password);
    await seen(visitor.page.getByText('Somebody has this name already.', { exact: false }).first());
    visitor.expect(/409.*\/v1\/people/);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('a session is ended from another browser', async () => {
    const [here, there] = await Promise.all([world.visitor(), world.visitor()]);
    for (const { page } of [here, there]) {
      await page.goto('/sign-in?next=/orders');
      await fillIn(page, 'Here before', password);
      await seen(page.getByRole('heading', { level: 1, name: 'My orders' }));
    }
    await here.page.goto('/profile');
    const sessions = here.page.getByRole('region', { name: 'Where you are signed in' });
    await seen(sessions.getByText('this device'));
    const end = sessions.getByRole('button', { name: /^Sign out there/ });
    const before = await end.count();
    assert.ok(before >= 1);
    await end.first().click();
    await until(async () => (await end.count()) === before - 1, 'one session fewer is listed');
    const isOut = async () => {
      await there.page.goto('/orders');
      const needed = there.page.getByText('Sign in to see this page.');
      const heading = there.page.getByText('Nothing yet.', { exact: false });
      await seen(needed.or(heading));
      return needed.isVisible();
    };
    await until(isOut, 'the other browser is signed out');
    there.expect(/401/);
    assert.deepEqual([...here.complaints, ...there.complaints], []);
    await here.leave();
    await there.leave();
  });

  test('one takes all data along, and is then deleted', async () => {
    const drop = await world.makeDrop({ title: 'Glass marble' });
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto(`/sign-in?next=/drops/${drop.id}`);
    await fillIn(page, 'Here before', password);
    await page.getByRole('button', { name: 'Claim one' }).click();
    await seen(page.getByText('You got one. Pay in time to keep it.').first());
    await signedIn(page).click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download my data' }).click();
    const text = await readFile(await (await download).path(), 'utf8');
    assert.ok(text.includes(name) && text.includes(drop.id), 'name and order are in it');
    assert.ok(!text.includes(password) && !/argon2/.test(text), 'no secret is in it');
    await page.getByRole('button', { name: 'Delete me' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Delete your account?' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete me' }).click();
    await dialog.getByRole('button', { name: 'Delete me' }).click();
    await seen(page.getByRole('link', { name: 'Sign in', exact: true }));
    await page.goto('/sign-in');
    await fillIn(page, 'Here before', password);
    await seen(page.getByText('Name or password is wrong.').first());
    visitor.expect(/401.*\/v1\/sessions/);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('a drop is verified in the browser; a log that was changed does not hold', async () => {
    const drop = await world.makeDrop({ stock: 3 });
    const buyer = await world.person();
    const { orderId } = await buyer.drops.claim(drop.id);
    await buyer.orders.pay(orderId, { provider: 'sandbox' });
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto(`/verify?contest=${drop.id}`);
    await seen(page.getByRole('heading', { name: 'Everything holds' }));
    await seen(page.getByRole('cell', { name: `#${orderId.slice(37)}` }));
    const log = await (await fetch(`${world.url}/v1/contests/${drop.id}/log`)).text();
    const changed = log.replace('\\"quantity\\":1', '\\"quantity\\":2');
    assert.notEqual(changed, log);
    const paste = page.getByRole('textbox', { name: 'Or paste it' });
    const check = page.getByRole('button', { name: 'Check the text' });
    await paste.fill(changed);
    await check.click();
    await seen(page.getByRole('heading', { name: 'This log does not hold' }));
    await seen(page.getByText('failed', { exact: true }));
    await seen(page.getByRole('heading', { name: /^\d+ faults?$/ }));
    await paste.fill(log);
    await check.click();
    await seen(page.getByRole('heading', { name: 'Everything holds' }));
    const lines = log.trimEnd().split('\n');
    await paste.fill([...lines.slice(0, 1), ...lines.slice(2)].join('\n'));
    await check.click();
    await seen(page.getByRole('heading', { name: 'This log does not hold' }));
    assert.equal((await host.proof.audit(drop.id)).ok, true);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });
} else test('people and proof', { skip }, () => {});
