import type { Verdict } from '@dibs/rules/proof/fold.ts';
import type { ModelCommand } from './model.ts';

/** A request that reached a process, and what became of it. */
export interface Asked {
  readonly contest: string;
  readonly process: string;
  /** UUID, or null for the system. */
  readonly person: string | null;
  readonly key: string;
  readonly command: ModelCommand;
  readonly receivedAt: number;
  answer: Answered | null;
  /** The process died before it answered. */
  diedAt: number | null;
}

export type Answered =
  | {
      readonly type: 'verdict';
      readonly at: number;
      readonly verdict: Verdict;
      readonly text: string;
    }
  | { readonly type: 'fault'; readonly at: number; readonly code: string };

/** What one process told its subscribers of one entry. */
export interface Told {
  readonly contest: string;
  readonly seq: number;
  readonly facts: string;
  readonly by: string;
}

/** Everything that was seen from outside, for the auditor. */
export class History {
  readonly asked: Asked[] = [];
  readonly told: Told[] = [];
  /** Digests of replicas by contest and position, with who had them. */
  readonly digests = new Map<string, { readonly digest: string; readonly by: string }>();
  /** What must not happen and was noticed on the way. */
  readonly contradictions: string[] = [];

  contradict(what: string): void {
    this.contradictions.push(what);
  }
}

/** JSON with its members in the order of their names: facts are alike whatever order they were built in. */
export function stableText(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
