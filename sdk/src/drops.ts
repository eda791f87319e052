import type { CallOptions, CommandOptions, Transport } from './transport.ts';
import type { Claim, Drop, NewDrop, OwnDrop, WaitingPlace } from './wire/shapes.ts';

/** A part of a list; `next` is the `cursor` of the part after it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

export interface PageQuery {
  /** 1 to 100; 20 unless given. */
  readonly limit?: number | undefined;
  readonly cursor?: string | null | undefined;
}

export interface DropListQuery extends PageQuery {
  /** `live`: open or paused. */
  readonly status?: Drop['status'] | 'live' | undefined;
  /** A person's id, or `me`. */
  readonly host?: string | undefined;
}

export interface Wanted {
  readonly quantity?: number;
}

/** Drops, as one of the crowd and as their host. */
export function dropCalls(transport: Transport) {
  const steer =
    (name: 'pause' | 'resume' | 'end') =>
    (id: string, options?: CommandOptions): Promise<Drop> =>
      transport.call({ name, path: { id }, isCommand: true }, options);
  return {
    list(query: DropListQuery = {}, options?: CallOptions): Promise<Page<Drop>> {
      return transport.call({ name: 'listDrops', query: { ...query } }, options);
    },
    get(id: string, options?: CallOptions): Promise<Drop> {
      return transport.call({ name: 'getDrop', path: { id } }, options);
    },
    create(drop: NewDrop, options?: CommandOptions): Promise<Drop> {
      return transport.call({ name: 'createDrop', body: drop, isCommand: true }, options);
    },
    /** The caller's pseudonym in the drop's public log, and their place on its waiting list. */
    own(id: string, options?: CallOptions): Promise<OwnDrop> {
      return transport.call({ name: 'ownDrop', path: { id } }, options);
    },
    /**
     * Claims units. In a fair window the answer comes when the window has settled, so leave it the
     * time. Throws `DibsProblem` with a refusal: `not_open`, `sold_out`, `limit_reached` ...
     */
    claim(id: string, wanted: Wanted = {}, options?: CommandOptions): Promise<Claim> {
      const body = { quantity: wanted.quantity ?? 1 };
      return transport.call({ name: 'claim', path: { id }, body, isCommand: true }, options);
    },
    /** Joins the waiting list of a drop that is sold out. */
    wait(id: string, wanted: Wanted = {}, options?: CommandOptions): Promise<WaitingPlace> {
      const body = { quantity: wanted.quantity ?? 1 };
      return transport.call({ name: 'wait', path: { id }, body, isCommand: true }, options);
    },
    async leaveWaiting(id: string, options?: CommandOptions): Promise<void> {
      await transport.call({ name: 'leaveWaiting', path: { id }, isCommand: true }, options);
    },
    pause: steer('pause'),
    resume: steer('resume'),
    restock(id: string, more: { quantity: number }, options?: CommandOptions): Promise<Drop> {
      return transport.call(
        { name: 'restock', path: { id }, body: more, isCommand: true },
        options,
      );
    },
    /** Ends the drop for good. */
    end: steer('end'),
  };
}
