import assert from 'node:assert/strict';
import { after } from 'node:test';
import { type Client, createClient } from '@dibs/sdk';
import type { Drop, NewDrop } from '@dibs/sdk/wire';
import type { Browser, Locator } from 'playwright-core';
import { openBrowser, PATIENCE_MS, Visitor, type VisitorOptions } from './browsing.ts';
import { DibsProcess } from './dibs-process.ts';

/** A server with its demo, a browser, and the demo's host behind the interface. */
export interface World {
  readonly dibs: DibsProcess;
  readonly browser: Browser;
  readonly url: string;
  /** The demo's host. */
  readonly host: Client;
  /** A drop of the host's; it opens at once unless `opensInMs` says later. */
  makeDrop(terms?: Partial<NewDrop> & { opensInMs?: number }): Promise<Drop>;
  /** Somebody who comes with a browser; whoever stays is seen off at the end of the file. */
  visitor(options?: VisitorOptions): Promise<Visitor>;
  /** The demo's admin. */
  admin(): Promise<Client>;
  /** A signed-in person without a browser. */
  person(): Promise<Client>;
}

/** Opens a world for the tests of a file; it is closed after them. */
export async function openWorld(): Promise<World> {
  const dibs = await DibsProcess.start();
  after(() => dibs.close());
  const browser = await openBrowser();
  after(() => browser.close());
  const { url } = dibs;
  const host = createClient({ baseUrl: url });
  await host.demo.enter('host');
  return {
    dibs,
    browser,
    url,
    host,
    makeDrop: ({ opensInMs = 0, ...terms } = {}) => makeDrop(host, opensInMs, terms),
    visitor: (options) => Visitor.come(browser, url, options),
    async admin() {
      const client = createClient({ baseUrl: url });
      await client.demo.enter('admin');
      return client;
    },
    async person() {
      const client = createClient({ baseUrl: url });
      const name = `Person ${crypto.randomUUID().slice(0, 8)}`;
      await client.people.register({ name, password: 'correct horse' });
      return client;
    },
  };
}

async function makeDrop(host: Client, opensInMs: number, terms: Partial<NewDrop>): Promise<Drop> {
  const { epochMs } = await host.time.get();
  const drop = await host.drops.create({
    title: 'Paper boat',
    description: 'Folded by hand.',
    stock: 10,
    price: { amount: 1_250, currency: 'EUR' },
    opensAt: new Date(epochMs + opensInMs + 50).toISOString(),
    payWithinSeconds: 600,
    ...terms,
  });
  if (opensInMs > 0) return drop;
  await until(async () => (await host.drops.get(drop.id)).status === 'open', 'the drop is open');
  return host.drops.get(drop.id);
}

/** Waits until a condition holds; it says which when time is up. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  what: string,
  limitMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until an element is seen; its text is in the error when it is not. */
export async function seen(locator: Locator, limitMs = PATIENCE_MS): Promise<void> {
  await locator.first().waitFor({ state: 'visible', timeout: limitMs });
}

/** Waits until an element is gone. */
export async function gone(locator: Locator, limitMs = PATIENCE_MS): Promise<void> {
  await locator.first().waitFor({ state: 'hidden', timeout: limitMs });
}

/** The figures that a stock bar inside `place` tells in words. */
export async function figuresOf(place: Locator): Promise<Record<string, number>> {
  const texts = await place.locator('dl').first().locator('div').allInnerTexts();
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, digits] = /([A-Za-z ]+?)\s*([\d,.]+)\s*$/.exec(text.trim()) ?? [];
      return [(name ?? text).toLowerCase(), Number((digits ?? '').replaceAll(/[,.]/g, ''))];
    }),
  );
}

/** Waits until a stock bar tells these figures. */
export async function showsFigures(
  place: Locator,
  wanted: Record<string, number>,
  limitMs = PATIENCE_MS,
): Promise<void> {
  let last: Record<string, number> = {};
  const isThere = async () => {
    last = await figuresOf(place);
    return Object.entries(wanted).every(([name, value]) => last[name] === value);
  };
  await until(isThere, `figures ${JSON.stringify(wanted)}`, limitMs).catch((error) => {
    assert.deepEqual(last, wanted, error.message);
  });
}
