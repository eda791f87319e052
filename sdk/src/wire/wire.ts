/** The wire contract: every shape and code that passes between a client and Dibs. */

export * from './calls.ts';
export * from './problems.ts';
export * from './shapes.ts';
