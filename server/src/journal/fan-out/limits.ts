import type { AdmissionLimits } from './admission.ts';
import type { RingLimits } from './topics.ts';

export interface FanOutLimits extends AdmissionLimits, RingLimits {
  readonly topicsPerStreamMax: number;
  /** Contests that streams of this process follow; below the arena's own limit of replicas. */
  readonly topicsMax: number;
  /** Bytes of all rings together. */
  readonly ringsBytes: number;
  /** A ring outlives its last stream by this, so that a reader who lost the network resumes. */
  readonly ringLifeMs: number;
  /**
   * A reader that lets so much gather while it takes nothing is sent away; it can resume. It costs
   * no memory of its own (what gathers is in the ring), so it may be half a ring: less would send
   * readers away in a storm who are only a moment late.
   */
  readonly unsentBytesMax: number;
  /** A reader that takes nothing for so long is sent away. */
  readonly stalledMs: number;
  /** No stream is silent for longer. */
  readonly heartbeatMs: number;
  /** Every stream is looked at once in this time: for heartbeats and revoked sessions. */
  readonly sweepMs: number;
  /** Events are at least so far apart; facts in between share one. */
  readonly frameMs: number;
  /** The part of the event loop that sending may take. */
  readonly loopShare: number;
}

/**
 * Measured by bench/fan-out.ts: 10,000 connections over loopback, 2 cores shared with others,
 * Node 26.
 *  - An open stream costs 16.4 to 17.2 kB of resident memory (`drop`, or `drop` and `me`, alike).
 *  - A delivery of 200 bytes costs 11.8 to 12.8 µs of processor, everything included; larger ones
 *    mainly what the kernel takes to copy them. One event for all facts of 50 ms saves most of it.
 *  - A pass over all of them is 107 to 168 ms of work and lasts 530 to 850 ms at a share of 0.2.
 *  - 5,000 claims per second beside them, 1,000 units sold at once and 50 more each second: p99 of
 *    the claims 86 ms, 44 ms with a single stream, in runs one after the other; no fact lost.
 */
export const FAN_OUT_LIMITS: FanOutLimits = {
  streamsMax: 20_000,
  streamsPerAddressMax: 2_000,
  streamsPerPersonMax: 20,
  topicsPerStreamMax: 20,
  topicsMax: 1_500,
  ringFacts: 8_192,
  ringBytes: 2 * 1_024 * 1_024,
  ringsBytes: 256 * 1_024 * 1_024,
  ringLifeMs: 60_000,
  unsentBytesMax: 1_024 * 1_024,
  stalledMs: 30_000,
  heartbeatMs: 15_000,
  sweepMs: 3_000,
  frameMs: 50,
  loopShare: 0.2,
};
