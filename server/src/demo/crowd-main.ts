import { once } from 'node:events';
import { runCrowd } from '../rehearsal/crowd.ts';
import type { CrowdOrder } from './crowd-process.ts';

/** The process of a demo's crowd: gets its order as a message, storms the drop, ends. */
const [order] = (await once(process, 'message')) as [CrowdOrder];
const stopped = new AbortController();
process.once('disconnect', () => stopped.abort());
await runCrowd({
  url: order.url,
  contest: order.drop,
  people: order.people,
  signal: stopped.signal,
});
process.disconnect?.();
