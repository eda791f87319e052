import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from './browsing.ts';
import { openWorld, seen, showsFigures } from './world.ts';

const skip = CHROMIUM === null && 'there is no Chromium';
const world = skip === false ? await openWorld() : null;
if (world !== null) {
  test('from the skip link to a paid order without a mouse', async () => {
    const drop = await world.makeDrop({ title: 'Walnut box', stock: 3 });
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto('/');
    await seen(page.getByRole('link', { name: 'Walnut box' }));
    await page.keyboard.press('Tab');
    assert.equal((await focusOf(page)).name, 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal((await focusOf(page)).id, 'main');
    await tabTo(page, /^Be Milo/);
    await page.keyboard.press('Enter');
    await seen(page.getByRole('link', { name: 'Milo: your profile' }));
    await tabTo(page, /^Walnut box$/);
    await page.keyboard.press('Enter');
    await seen(page.getByRole('heading', { level: 1, name: 'Walnut box' }));
    await seen(page.getByRole('button', { name: 'Claim one' }));
    assert.deepEqual(await focusOf(page), { tag: 'H1', name: 'Walnut box', id: '', isSeen: false });
    await tabTo(page, /^Claim one$/);
    await page.keyboard.press('Enter');
    await seen(page.getByText('You got one. Pay in time to keep it.').first());
    assert.ok(
      (await visitor.heardAs('alert')).includes('You got one. Pay in time to keep it.'),
      'winning is said at once',
    );
    await tabTo(page, /^Pay €12\.50 with play money$/);
    await page.keyboard.press('Enter');
    const panel = page.getByRole('region', { name: 'Claim', exact: true });
    await showsFigures(panel, { left: 2, held: 0, sold: 1 });
    await tabTo(page, /^1 unit$/);
    await page.keyboard.press('Enter');
    await seen(page.getByText('Order number'));
    assert.equal((await focusOf(page)).tag, 'H1');
    assert.equal(await page.title(), 'Order: Walnut box · Dibs');
    assert.equal((await world.host.drops.get(drop.id)).sold, 1);
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('a dialog keeps the focus inside and gives it back', async () => {
    const drop = await world.makeDrop({ stock: 3 });
    const visitor = await world.visitor();
    const { page } = visitor;
    await visitor.register();
    await page.goto(`/drops/${drop.id}`);
    await page.getByRole('button', { name: 'Claim one' }).click();
    const opener = page.getByRole('button', { name: 'Give it back' });
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('alertdialog', { name: 'Give the units back?' });
    await seen(dialog);
    const isInside = () =>
      page.evaluate(() => document.activeElement?.closest('[role=alertdialog]') !== null);
    assert.ok(await isInside(), 'the focus goes in');
    for (const key of ['Tab', 'Tab', 'Tab', 'Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab']) {
      await page.keyboard.press(key);
      assert.ok(await isInside(), `${key} stays inside`);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await focusOf(page)).name, 'Give it back');
    await page.keyboard.press('Enter');
    await tabTo(page, /^Give it back$/, 4);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const panel = page.getByRole('region', { name: 'Claim', exact: true });
    await showsFigures(panel, { left: 3, held: 0, sold: 0 });
    assert.notEqual((await focusOf(page)).tag, 'BODY', 'the focus is not lost');
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('the focus moves to the heading of each place, and the title says which', async () => {
    const visitor = await world.visitor();
    const { page } = visitor;
    await visitor.enter('host');
    await page.goto('/');
    await seen(page.getByRole('link', { name: 'Hana: your profile' }));
    const places = [
      ['My orders', 'My orders'],
      ['Host', 'Host'],
      ['Verify', 'Verify'],
      ['Drops', 'First come, fairly served.'],
    ] as const;
    for (const [place, heading] of places) {
      await page.getByRole('navigation').getByRole('link', { name: place }).press('Enter');
      await seen(page.getByRole('heading', { level: 1, name: heading }));
      await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
      assert.equal((await focusOf(page)).name, heading);
      assert.equal(await page.title(), `${place} · Dibs`);
    }
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });
} else test('keyboard', { skip }, () => {});

interface Focus {
  readonly tag: string;
  readonly name: string;
  readonly id: string;
  /** Something is drawn around it, and it is within the window. */
  readonly isSeen: boolean;
}

function focusOf(page: Page): Promise<Focus> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const isDrawn = (pseudo?: string) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element, pseudo);
      const hasOutline = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
      return hasOutline || (pseudo === undefined && /\d+px \d+px \d+px [2-9]px/.test(boxShadow));
    };
    const { top, bottom, width } = element.getBoundingClientRect();
    const isInWindow = bottom > 0 && top < innerHeight && width > 0;
    const isDrawnAround = isDrawn() || isDrawn('::after');
    const label = element.getAttribute('aria-label');
    const text = element.id === 'main' ? '' : (element.textContent ?? '');
    return {
      tag: element.tagName,
      name: (label ?? text).trim().replaceAll(/\s+/g, ' '),
      id: element.id.startsWith('react') ? '' : element.id,
      isSeen: isDrawnAround && isInWindow,
    };
  });
}

/** Presses Tab until something of this name has the focus; on the way the focus is always seen. */
async function tabTo(page: Page, name: RegExp, pressesMax = 60): Promise<void> {
  const passed: string[] = [];
  for (let press = 0; press < pressesMax; press += 1) {
    await page.keyboard.press('Tab');
    let focus = await focusOf(page);
    for (let frame = 0; frame < 20 && !focus.isSeen; frame += 1) {
      await page.evaluate(() => new Promise(requestAnimationFrame));
      focus = await focusOf(page);
    }
    passed.push(`${focus.tag} ${focus.name}`);
    if (focus.tag === 'BODY') continue; // Round the end of the page, through the browser itself.
    assert.ok(focus.isSeen, `the focus cannot be seen: ${passed.join(' | ')}`);
    if (name.test(focus.name)) return;
  }
  throw new Error(`no ${name} by ${pressesMax} presses: ${passed.join(' | ')}`);
}
