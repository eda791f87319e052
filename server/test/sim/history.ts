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
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(stableText).join()}]`;
  const members = value as Record<string, unknown>;
  const parts: string[] = [];
  for (const name of Object.keys(members).sort()) {
    const member = members[name];
    if (member !== undefined) parts.push(`"${name}":${stableText(member)}`);
  }
  return `{${parts.join()}}`;
}
