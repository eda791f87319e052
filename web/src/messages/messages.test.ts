import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setupI18n } from '@lingui/core';
import { compileMessage } from '@lingui/message-utils/compileMessage';
import { chooseFormat, chooseLanguage, LANGUAGES } from './language.ts';

const source = new URL('../', import.meta.url);

function catalogue(language: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`messages/${language}.json`, source), 'utf8'));
}

/** Names of the placeholders in a compiled message, those inside plurals included. */
function placeholders(compiled: unknown, found = new Set<string>()): Set<string> {
  if (!Array.isArray(compiled)) return found;
  for (const token of compiled) {
    if (!Array.isArray(token)) continue;
    found.add(String(token[0]));
    const forms = token[2];
    if (typeof forms !== 'object' || forms === null) continue;
    for (const form of Object.values(forms)) placeholders(form, found);
  }
  return found;
}

/** All text of the app's own source, tests left out. */
function readSource(): string {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(new URL(file, source), 'utf8'))
    .join('\n');
}

const english = catalogue('en');

for (const { code } of LANGUAGES) {
  test(`${code} has the same messages with the same placeholders`, () => {
    const own = catalogue(code);
    assert.deepEqual(Object.keys(own), Object.keys(english));
    for (const [id, text] of Object.entries(own)) {
      assert.notEqual(text.trim(), '', id);
      assert.deepEqual(
        [...placeholders(compileMessage(text))].sort(),
        [...placeholders(compileMessage(english[id] ?? ''))].sort(),
        `${code} ${id}`,
      );
    }
  });
}

test('the two Chinese scripts are not copies of English, nor of each other', () => {
  const simplified = catalogue('zh-Hans');
  const traditional = catalogue('zh-Hant');
  const same = Object.keys(english).filter((id) => simplified[id] === english[id]);
  assert.deepEqual(same, ['number']);
  const different = Object.keys(english).filter((id) => simplified[id] !== traditional[id]);
  assert.ok(different.length > Object.keys(english).length / 2);
});

test('every message is used, and every message used exists', () => {
  const text = readSource();
  const unused = Object.keys(english).filter(
    (id) => !text.includes(`'${id}'`) && !text.includes(`"${id}"`),
  );
  assert.deepEqual(unused, []);
  const asked = [...text.matchAll(/\btext\(\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  assert.ok(asked.length > 100, `only ${asked.length} uses were found`);
  assert.deepEqual(
    asked.filter((id) => english[id] === undefined),
    [],
  );
});

test('plurals and numbers follow the language', () => {
  const i18n = setupI18n();
  const load = (code: string) => {
    const messages = Object.fromEntries(
      Object.entries(catalogue(code)).map(([id, text]) => [id, compileMessage(text)]),
    );
    i18n.loadAndActivate({ locale: code, messages });
  };
  load('en');
  assert.equal(i18n._('order.units', { quantity: 1 }), '1 unit');
  assert.equal(i18n._('order.units', { quantity: 12_000 }), '12,000 units');
  assert.equal(i18n._('waiting.place', { ahead: 0 }), 'You are next on the waiting list.');
  load('zh-Hant');
  assert.equal(i18n._('order.units', { quantity: 1 }), '1 件');
  assert.equal(i18n._('announce.opensIn', { seconds: 300 }), '還有 5 分鐘開始');
});

test('the language is the best of what the browser prefers', () => {
  const cases: [string[], string][] = [
    [['zh-HK', 'en'], 'zh-Hant'],
    [['zh-TW'], 'zh-Hant'],
    [['zh'], 'zh-Hans'],
    [['zh-CN'], 'zh-Hans'],
    [['zh-Hans-HK'], 'zh-Hans'],
    [['yue'], 'zh-Hant'],
    [['de', 'zh-Hant-TW', 'en'], 'zh-Hant'],
    [['en-GB', 'zh'], 'en'],
    [['fr'], 'en'],
    [[], 'en'],
  ];
  for (const [preferred, expected] of cases) {
    assert.equal(chooseLanguage(preferred), expected, preferred.join());
  }
});

test('dates and numbers are written as in the region of the person', () => {
  assert.equal(chooseFormat('en', ['de-DE', 'en-GB', 'en-US']), 'en-GB');
  assert.equal(chooseFormat('zh-Hant', ['zh-CN', 'zh-HK']), 'zh-HK');
  assert.equal(chooseFormat('zh-Hans', ['en-GB']), 'zh-Hans');
  assert.equal(chooseFormat('en', ['fr-FR']), 'en');
});
