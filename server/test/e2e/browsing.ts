import { accessSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** The machine's Chromium, or null where there is none. */
export const CHROMIUM = findChromium();

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What nothing on a page may take longer than, in ms. */
export const PATIENCE_MS = 10_000;

export function openBrowser(): Promise<Browser> {
  if (CHROMIUM === null) throw new Error('there is no Chromium: set CHROMIUM');
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export interface VisitorOptions {
  readonly width?: number;
  readonly height?: number;
  readonly locale?: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly reducedMotion?: 'reduce' | 'no-preference';
  /** Run in every page before its own scripts. */
  readonly script?: string;
}

/** A sentence of a live region: `alert` interrupts, `status` waits. */
export interface Heard {
  readonly voice: 'alert' | 'status';
  readonly text: string;
  /** Ms since the page was opened. */
  readonly at: number;
}

/** Writes down what the live regions say, as a screen reader would get it. */
const LISTEN = `{
  const heard = globalThis.heard = [];
  const listen = (records) => {
    for (const { target, addedNodes } of records) {
      const region = target.parentElement?.closest('[role=alert],[role=status]')
        ?? (target.nodeType === 1 ? target.closest('[role=alert],[role=status]') : null);
      if (region === null || !region.closest('[data-live-announcer]')) continue;
      for (const { textContent: text } of addedNodes) {
        if (text) heard.push({ voice: region.role, text, at: performance.now() });
      }
    }
  };
  new MutationObserver(listen).observe(document, { childList: true, subtree: true });
}`;

/**
 * Somebody with a browser of their own: cookies, storage and one page. What the browser complains of
 * (errors in the console, broken scripts, failed requests, a blocked resource) is kept.
 */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly url: string;
  readonly #complaints: string[] = [];
  readonly #expected: RegExp[] = [];

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.context = context;
    this.page = page;
    this.url = url;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => this.#complaints.push(`script: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      this.#complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'unknown';
      // Leaving a page, or asking anew, ends what was under way.
      if (why !== 'net::ERR_ABORTED') this.#complaints.push(`request: ${why} ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() < 400) return;
      const { method, url: address } = { method: response.request().method(), url: response.url() };
      this.#complaints.push(`answer: ${response.status()} ${method} ${address}`);
    });
  }

  static async come(browser: Browser, url: string, options: VisitorOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({
      baseURL: url,
      viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
      locale: options.locale ?? 'en-GB',
      timezoneId: 'Europe/Berlin',
      colorScheme: options.colorScheme ?? 'light',
      reducedMotion: options.reducedMotion ?? 'no-preference',
    });
    await context.addInitScript(LISTEN);
    if (options.script !== undefined) await context.addInitScript(options.script);
    return new Visitor(context, await context.newPage(), url);
  }

  /** These complaints belong to what is tested. */
  expect(...complaints: RegExp[]): void {
    this.#expected.push(...complaints);
  }

  /** What the browser complained of so far, without what was expected. */
  get complaints(): string[] {
    return this.#complaints.filter((text) => !this.#expected.some((known) => known.test(text)));
  }

  /** Signs in as one of the demo's identities, by name or role, without the page. */
  async enter(identity: string): Promise<void> {
    const answer = await this.context.request.post(`/v1/demo/identities/${identity}`, {
      headers: { origin: this.url },
    });
    if (!answer.ok()) throw new Error(`entering as ${identity}: ${answer.status()}`);
  }

  /** Registers under a name of its own and is signed in, without the page. */
  async register(): Promise<string> {
    const name = `Visitor ${crypto.randomUUID().slice(0, 8)}`;
    const answer = await this.context.request.post('/v1/people', {
      headers: { origin: this.url },
      data: { name, password: 'correct horse' },
    });
    if (!answer.ok()) throw new Error(`registering: ${answer.status()}`);
    return name;
  }

  /** What a screen reader was told since the page was loaded, oldest first. */
  async heard(): Promise<Heard[]> {
    return this.page.evaluate(() => (globalThis as unknown as { heard: Heard[] }).heard);
  }

  /** The sentences alone that were said in one of the two voices. */
  async heardAs(voice: Heard['voice']): Promise<string[]> {
    return (await this.heard()).filter((one) => one.voice === voice).map(({ text }) => text);
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

function findChromium(): string | null {
  const known = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'];
  for (const path of known) {
    if (path === undefined || path === '') continue;
    try {
      accessSync(path);
      return path;
    } catch {
      // Not there.
    }
  }
  return null;
}
