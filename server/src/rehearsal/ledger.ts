import { entryKey } from '../arena/keys.ts';
import type { Answer } from './answer-reader.ts';
import { codeOf } from './generator.ts';
import type { Actor } from './organiser.ts';

/** A command that a person sent under a key, however often, and what they were told. */
export interface Asked {
  readonly actor: Actor;
  readonly key: string;
  readonly command: { readonly type: 'claim' | 'wait'; readonly quantity: number };
  /** Set where the key had been used for another command already: the answer must be 422. */
  readonly reuses: boolean;
  /** The first answer; every other must have been the same, byte for byte. */
  first: { readonly status: number; readonly body: string; readonly code: string } | null;
}

/** An order that its owner paid or cancelled, and how that was answered. */
export interface OrderAct {
  readonly actor: Actor;
  readonly orderId: string;
  readonly act: 'pay' | 'cancel';
  answer: { readonly status: number; readonly code: string } | null;
}

/** How many contradictions are kept in words; all are counted. */
const wordsMax = 50;

/** What the crowd asked and was told: the one side that is held against the log at the end. */
export class Ledger {
  readonly asked: Asked[] = [];
  readonly acts: OrderAct[] = [];
  readonly contradictions: string[] = [];
  contradictionCount = 0;

  ask(asked: Omit<Asked, 'first'>): Asked {
    const entry = { ...asked, first: null };
    this.asked.push(entry);
    return entry;
  }

  /** Notes an answer; a second one that differs from the first is a contradiction at once. */
  take(asked: Asked, answer: Answer): void {
    const { status, body } = answer;
    if (asked.first === null) {
      asked.first = { status, body, code: status < 400 ? '' : codeOf(answer) };
      return;
    }
    if (asked.first.status === status && asked.first.body === body) return;
    this.contradict(
      `the key ${asked.key} was answered ${asked.first.status} ${asked.first.body} ` +
        `and then ${status} ${body}`,
    );
  }

  act(act: Omit<OrderAct, 'answer'>): OrderAct {
    const entry = { ...act, answer: null };
    this.acts.push(entry);
    return entry;
  }

  contradict(words: string): void {
    this.contradictionCount += 1;
    if (this.contradictions.length < wordsMax) this.contradictions.push(words.slice(0, 600));
  }
}

/** The key under which the public log knows what was asked. */
export function logKeyOf({ actor, key, command }: Asked): string {
  return entryKey(actor.id, key, command);
}
