import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Applied } from '../arena/arena.ts';

export interface Metrics {
  /** All of them in the Prometheus text format. */
  text(): Promise<string>;
  /** Counts an alarm. */
  alarm(): void;
}

/** What is exported to Prometheus; numbers are read when it asks, so that they cost nothing else. */
export function makeMetrics(parts: {
  readonly onApplied: (listener: (applied: Applied) => void) => () => void;
  readonly projectorLag: () => number;
  readonly streams: () => Readonly<Record<string, number>>;
  readonly databaseConnections: () => { total: number; idle: number; waiting: number };
}): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const registers = [register];
  const alarms = new Counter({
    name: 'dibs_alarms_total',
    help: 'Replicas that had to be rebuilt, projections that failed',
    registers,
  });
  // Plain numbers on the hot path; the library's labels only when somebody asks.
  const counted = { entries: 0, batches: 0, facts: new Map<string, number>() };
  parts.onApplied(({ steps }) => {
    counted.batches += 1;
    counted.entries += steps.length;
    for (const step of steps) {
      for (const { type } of step.facts) {
        counted.facts.set(type, (counted.facts.get(type) ?? 0) + 1);
      }
    }
  });
  for (const figure of ['entries', 'batches'] as const) {
    new Counter({
      name: `dibs_log_${figure}_total`,
      help: `Log ${figure} folded`,
      registers,
      collect() {
        this.reset();
        this.inc(counted[figure]);
      },
    });
  }
  new Counter({
    name: 'dibs_facts_total',
    help: 'Facts by type',
    labelNames: ['type'],
    registers,
    collect() {
      this.reset();
      for (const [type, count] of counted.facts) this.inc({ type }, count);
    },
  });
  new Gauge({
    name: 'dibs_projector_lag_entries',
    help: 'Entries not in the rows yet',
    registers,
    collect() {
      this.set(parts.projectorLag());
    },
  });
  new Gauge({
    name: 'dibs_streams',
    help: 'Figures of the fan-out',
    labelNames: ['figure'],
    registers,
    collect() {
      for (const [figure, value] of Object.entries(parts.streams())) this.set({ figure }, value);
    },
  });
  new Gauge({
    name: 'dibs_database_connections',
    help: 'Connections by state',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(parts.databaseConnections())) {
        this.set({ state }, count);
      }
    },
  });
  return { text: () => register.metrics(), alarm: () => alarms.inc() };
}
