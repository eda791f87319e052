import type { FaultCode } from '@dibs/sdk/wire';

/** Why people could not be served; the codes are those of the wire. */
export type PeopleFaultCode = Extract<
  FaultCode,
  | 'invalid'
  | 'unauthenticated'
  | 'wrong_credentials'
  | 'forbidden'
  | 'not_found'
  | 'name_taken'
  | 'rate_limited'
  | 'busy'
>;

export class PeopleFault extends Error {
  override readonly name = 'PeopleFault';
  readonly code: PeopleFaultCode;
  /** How long to wait, where waiting helps. */
  readonly retryAfterMs: number | undefined;

  constructor(code: PeopleFaultCode, message?: string, retryAfterMs?: number) {
    super(message ?? '');
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
