/** Why the arena could not give a verdict. Nothing was acknowledged; a repeat with the same key is safe. */
export type ArenaFaultCode =
  /** No such contest. */
  | 'contest_unknown'
  /** The queue of this contest is full. */
  | 'busy'
  /** The log cannot be reached, or did not say whether it wrote. */
  | 'log_unavailable'
  /** The key had been used for another command. */
  | 'key_reused'
  /** This replica is being rebuilt from the log. */
  | 'rebuilding'
  /** This process is going away. */
  | 'draining';

export class ArenaFault extends Error {
  override readonly name = 'ArenaFault';
  readonly code: ArenaFaultCode;

  constructor(code: ArenaFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
