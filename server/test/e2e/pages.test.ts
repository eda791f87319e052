import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { CHROMIUM, type Visitor } from './browsing.ts';
import { type Place, preparePlaces } from './places.ts';
import { openWorld, seen } from './world.ts';

/** Where pictures of all pages go, if anybody wants them. */
const SHOTS = process.env['E2E_SHOTS'] ?? '';
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const skip = CHROMIUM === null && 'there is no Chromium';
const world = skip === false ? await openWorld() : null;
if (world !== null) {
  const preparer = await world.visitor();
  const places = await preparePlaces(world, preparer);
  await preparer.leave();

  for (const width of [390, 1280]) {
    test(`every page, ${width} px wide, light and dark: no violation, no complaint`, async () => {
      const visitor = await world.visitor({ width, height: 844 });
      const { page } = visitor;
      await visitor.enter('host');
      const found: string[] = [];
      for (const place of places) {
        await open(page, place);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await settle(page);
          if (SHOTS !== '' && place.isShot)
            await shoot(page, `${place.name}-${width}-${colorScheme}`);
          found.push(...(await violationsOf(page, `${place.name} ${colorScheme}`)));
        }
        for (const narrow of width === 390 ? [390, 320] : [width]) {
          await page.setViewportSize({ width: narrow, height: 844 });
          if (await overflows(page)) found.push(`${place.name} scrolls sideways at ${narrow} px`);
        }
        await page.setViewportSize({ width, height: 844 });
      }
      visitor.expect(/404 GET .*\/no\/such\/page/);
      assert.deepEqual([...found, ...visitor.complaints], []);
      await visitor.leave();
    });
  }

  test('no page scrolls sideways at 320 px in Chinese either', async () => {
    const found: string[] = [];
    const visitor = await world.visitor({ width: 320, height: 640, locale: 'zh-TW' });
    const { page } = visitor;
    await visitor.enter('host');
    for (const { path, name } of places) {
      await page.goto(path);
      await seen(page.getByRole('heading', { level: 1 }));
      await settle(page);
      if (await overflows(page)) found.push(name);
    }
    assert.deepEqual(found, []);
    await visitor.leave();
  });

  test('the checks bite: a picture without words, grey on grey, a line that is too wide', async () => {
    const visitor = await world.visitor({ width: 320 });
    const { page } = visitor;
    await page.goto('/sign-in');
    await seen(page.getByRole('heading', { level: 1 }));
    assert.equal(await overflows(page), false);
    await page.evaluate(() => {
      const bad = document.createElement('div');
      bad.innerHTML = '<img src="/icon.svg"><p>grey</p><pre>wide</pre>';
      const [, grey, wide] = bad.children as unknown as HTMLElement[];
      grey?.style.setProperty('color', '#aaa');
      wide?.style.setProperty('width', '400px');
      document.querySelector('main')?.append(bad);
    });
    const found = (await violationsOf(page, 'spoilt')).join('\n');
    assert.match(found, /image-alt/);
    assert.match(found, /color-contrast/);
    assert.equal(await overflows(page), true);
    await visitor.leave();
  });

  test('three languages: by the browser, by choice, and remembered', async () => {
    const words = {
      en: ['First come, fairly served.', 'My orders'],
      'zh-Hans': ['先到先得', '我的订单'],
      'zh-Hant': ['先到先得', '我的訂單'],
    } as const;
    const locales = [
      ['en-US', 'en'],
      ['zh-CN', 'zh-Hans'],
      ['zh-TW', 'zh-Hant'],
      ['zh-HK', 'zh-Hant'],
    ] as const;
    for (const [locale, language] of locales) {
      const visitor: Visitor = await world.visitor({ locale });
      const page: Page = visitor.page;
      await page.goto('/');
      await seen(page.getByRole('navigation').getByRole('link', { name: words[language][1] }));
      assert.equal(await page.locator('html').getAttribute('lang'), language);
      const text = await page.locator('body').textContent();
      const ids = (text ?? '').match(/\b[a-z]+(\.[a-z]+[A-Za-z]*)+\b/g) ?? [];
      assert.deepEqual(ids, [], 'no name of a message is shown in its place');
      assert.deepEqual(visitor.complaints, []);
      await visitor.leave();
    }
    const visitor = await world.visitor({ locale: 'en-GB' });
    const { page } = visitor;
    await page.goto('/');
    await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-Hant');
    await seen(page.getByRole('link', { name: words['zh-Hant'][1] }));
    await page.reload();
    await seen(page.getByRole('link', { name: words['zh-Hant'][1] }));
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hant');
    assert.deepEqual(visitor.complaints, []);
    await visitor.leave();
  });

  test('light or dark: by the system, by choice, and remembered', async () => {
    const visitor = await world.visitor({ colorScheme: 'light' });
    const { page } = visitor;
    const ground = () =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.goto('/');
    const light = await ground();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.getByRole('combobox', { name: 'Light or dark' }).selectOption('light');
    await settle(page);
    assert.equal(await ground(), light);
    await page.reload();
    assert.equal(await ground(), light);
    await visitor.leave();
  });

  test('nothing moves for those who want less motion', async () => {
    const visitor = await world.visitor({ reducedMotion: 'reduce' });
    const { page } = visitor;
    await visitor.enter('host');
    for (const place of places.filter(({ name }) => /^(home|drop-open|studio-live)$/.test(name))) {
      await open(page, place);
      const moving = await page.evaluate(() =>
        [...document.querySelectorAll('*')]
          .filter((element) => {
            const { transitionDuration, animationDuration, scrollBehavior } =
              getComputedStyle(element);
            const isLong = (list: string) =>
              list
                .split(',')
                .some((one) => Number.parseFloat(one) * (/ms/.test(one) ? 1 : 1000) > 20);
            return (
              isLong(transitionDuration) || isLong(animationDuration) || scrollBehavior === 'smooth'
            );
          })
          .map(({ outerHTML }) => outerHTML.slice(0, 120)),
      );
      assert.deepEqual(moving, [], place.name);
    }
    await visitor.leave();
  });
} else test('pages', { skip }, () => {});

async function open(page: Page, { path, landmark }: Place): Promise<void> {
  await page.goto(path);
  await seen(page.getByText(landmark, { exact: false }));
  await settle(page);
}

/** What axe finds against WCAG 2.2 AA and good custom, one line each with the places. */
async function violationsOf(page: Page, name: string): Promise<string[]> {
  // The legacy mode is about frames of other origins, of which there are none; it is far quicker.
  const axe = new AxeBuilder({ page }).setLegacyMode(true).withTags(WCAG);
  const { violations, passes } = await axe.options({ resultTypes: ['violations'] }).analyze();
  if (passes.length < 10) return [`${name}: axe looked at nothing`];
  return violations.map(({ id, help, nodes }) => {
    const where = nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`);
    return `${name} ${id}: ${help}\n    ${where.join('\n    ')}`;
  });
}

/** Until transitions and pictures have come to rest. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    const pictures = [...document.images].filter(({ loading }) => loading !== 'lazy');
    await Promise.all(pictures.map((picture) => picture.decode().catch(() => {})));
    const finite = document
      .getAnimations()
      .filter((one) => one.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY);
    await Promise.all(finite.map(({ finished }) => finished.catch(() => {})));
  });
}

function overflows(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth;
  });
}

async function shoot(page: Page, name: string): Promise<void> {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
