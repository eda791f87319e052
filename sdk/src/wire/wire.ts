/** The wire contract: every shape and code that passes between a client and Dibs. */
export * from './problems.ts';
export * from './shapes.ts';
export * from './calls.ts';
