import type { Client } from '@dibs/sdk';
import type { Visitor } from './browsing.ts';
import type { World } from './world.ts';

/** A page in a certain state, as a visitor may meet it. */
export interface Place {
  readonly name: string;
  readonly path: string;
  /** Text that is there once the page has come to rest. */
  readonly landmark: string;
  /** One picture of it is kept among the README's. */
  readonly isShot: boolean;
}

/**
 * Brings about every state that a page can be in and says where each is found. The visitor must be
 * signed in as the demo's host; the orders are theirs.
 */
export async function preparePlaces(world: World, visitor: Visitor): Promise<Place[]> {
  const { host } = world;
  const lamp = {
    title: 'Night market lantern, second edition',
    description: 'Twelve hand-folded paper lanterns, numbered and signed.',
    pictureUrl: '/demo/lantern.svg',
    pictureText: 'A round paper lantern glowing orange above a dark street',
    price: { amount: 2_400, currency: 'EUR' },
    limitPerPerson: 2,
    quantityMax: 2,
    payWithinSeconds: 3_600,
  };
  const scheduled = await world.makeDrop({
    ...lamp,
    opensInMs: 3 * 3_600_000,
    fairWindowMs: 2_000,
    stock: 12,
  });
  const open = await world.makeDrop({ ...lamp, stock: 120, closesAt: inHours(5) });
  const buyer = await world.person();
  await sell(buyer, open.id);
  const won = await world.makeDrop({ title: 'Indigo scarf', stock: 9, limitPerPerson: 1 });
  const { orderId } = await host.drops.claim(won.id);
  const paid = await world.makeDrop({ title: 'Brass compass', stock: 3 });
  await sell(host, paid.id);
  const soldOut = await world.makeDrop({ title: 'Salt-glazed bowl', stock: 2 });
  await sell(buyer, soldOut.id);
  await (await world.person()).drops.claim(soldOut.id);
  const paused = await world.makeDrop({ title: 'Linen kite', stock: 4 });
  await host.drops.pause(paused.id);
  const ended = await world.makeDrop({ title: 'Cedar flute', stock: 4 });
  await sell(buyer, ended.id);
  await host.drops.end(ended.id);
  const { payUrl } = await host.orders.pay(orderId, { provider: 'sandbox', page: true });
  const place = (name: string, path: string, landmark: string, isShot = true): Place => ({
    name,
    path,
    landmark,
    isShot,
  });
  await visitor.enter('host');
  return [
    place('home', '/', 'Cedar flute'),
    place('drop-scheduled', `/drops/${scheduled.id}`, 'Not open yet'),
    place('drop-open', `/drops/${open.id}`, 'Claim one'),
    place('drop-won', `/drops/${won.id}`, 'Time left to pay'),
    place('drop-sold-out', `/drops/${soldOut.id}`, 'Join the waiting list'),
    place('drop-paused', `/drops/${paused.id}`, 'The host has paused this drop.'),
    place('drop-ended', `/drops/${ended.id}`, 'Over: 1 of 4 sold.'),
    place('orders', '/orders', 'Brass compass'),
    place('order', `/orders/${orderId}`, 'Order number'),
    place('pay', new URL(payUrl ?? '', world.url).pathname, 'Approve'),
    place('studio', '/studio', 'Brass compass'),
    place('studio-new', '/studio/new', 'Create the drop'),
    place('studio-live', `/studio/${open.id}`, 'The same as numbers, newest first'),
    place('verify', `/verify?contest=${ended.id}`, 'Everything holds'),
    place('profile', '/profile', 'this device'),
    place('sign-in', '/sign-in', 'Here before'),
    place('nowhere', '/no/such/page', 'There is nothing at this address.', false),
  ];
}

async function sell(buyer: Client, drop: string): Promise<void> {
  const { orderId } = await buyer.drops.claim(drop);
  await buyer.orders.pay(orderId, { provider: 'sandbox' });
}

function inHours(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}
