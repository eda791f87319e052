import { type Static, Type } from 'typebox';

/** Shapes used all over the wire. One schema validates, serialises and documents. */

const object = { additionalProperties: false } as const;

export const Id = Type.String({ format: 'uuid', description: 'UUID' });
export const OrderId = Type.String({
  pattern: '^[0-9a-f-]{36}-[1-9][0-9]{0,14}$',
  description: 'The contest and the log entry that brought the order forth',
});
export const Instant = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' });
export const Money = Type.Object(
  {
    amount: Type.Integer({ minimum: 0, maximum: 99_999_999, description: 'Minor units' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  object,
);
export type Money = Static<typeof Money>;

export const Role = Type.Enum(['member', 'host', 'moderator', 'admin']);
export type Role = Static<typeof Role>;

/** People. */
export const Person = Type.Object({ id: Id, name: Type.String(), roles: Type.Array(Role) });
export type Person = Static<typeof Person>;
export const Credentials = Type.Object(
  {
    name: Type.String({ minLength: 2, maxLength: 40, description: 'Unique, case-insensitive' }),
    password: Type.String({ minLength: 8, maxLength: 200 }),
  },
  object,
);
export type Credentials = Static<typeof Credentials>;
export const SignedIn = Type.Object({
  person: Person,
  accessToken: Type.String(),
  refreshToken: Type.String(),
  /** When the access token ends. */
  expiresAt: Instant,
});
export type SignedIn = Static<typeof SignedIn>;
export const RefreshRequest = Type.Object(
  { refreshToken: Type.Optional(Type.String({ maxLength: 200, description: 'Or the cookie' })) },
  object,
);
export const ProfileChange = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 2, maxLength: 40 })),
    password: Type.Optional(Type.String({ minLength: 8, maxLength: 200 })),
    currentPassword: Type.Optional(Type.String({ maxLength: 200 })),
  },
  object,
);
export type ProfileChange = Static<typeof ProfileChange>;
export const Session = Type.Object({
  id: Id,
  createdAt: Instant,
  lastUsedAt: Instant,
  userAgent: Type.String(),
  isCurrent: Type.Boolean(),
});
export type Session = Static<typeof Session>;

/** Lists. */
export const Paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
};

/** Drops. */
export const NewDrop = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 120 }),
    description: Type.Optional(Type.String({ maxLength: 5_000, default: '' })),
    pictureUrl: Type.Optional(
      Type.String({ maxLength: 500, description: 'https, or a path here' }),
    ),
    pictureText: Type.Optional(Type.String({ maxLength: 500, description: 'Alternative text' })),
    stock: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
    price: Money,
    opensAt: Instant,
    closesAt: Type.Optional(Type.Union([Instant, Type.Null()])),
    limitPerPerson: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 1 })),
    quantityMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    payWithinSeconds: Type.Optional(Type.Integer({ minimum: 5, maximum: 604_800, default: 600 })),
    fairWindowMs: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10_000, default: 0, description: '0 or from 100' }),
    ),
  },
  object,
);
export type NewDrop = Static<typeof NewDrop>;
export const DropStatus = Type.Enum(['scheduled', 'open', 'paused', 'ended']);
export const Drop = Type.Object({
  id: Id,
  title: Type.String(),
  description: Type.String(),
  pictureUrl: Type.Union([Type.String(), Type.Null()]),
  pictureText: Type.String(),
  host: Type.Object({ id: Type.Union([Id, Type.Null()]), name: Type.String() }),
  status: DropStatus,
  stock: Type.Integer(),
  sold: Type.Integer(),
  held: Type.Integer(),
  left: Type.Integer(),
  waiting: Type.Integer({ description: 'People on the waiting list' }),
  queued: Type.Integer({ description: 'Claims in the fair window' }),
  price: Money,
  opensAt: Instant,
  closesAt: Type.Union([Instant, Type.Null()]),
  limitPerPerson: Type.Integer(),
  quantityMax: Type.Integer(),
  payWithinSeconds: Type.Integer(),
  fairWindowMs: Type.Integer(),
  seedHash: Type.Union([Type.String(), Type.Null()]),
  seed: Type.Union([Type.String(), Type.Null()], { description: 'Once the window has closed' }),
  /** Log position this was read at, `epoch:seq`: a stream can go on from here. */
  position: Type.String(),
});
export type Drop = Static<typeof Drop>;
export const DropQuery = Type.Object(
  {
    ...Paging,
    status: Type.Optional(Type.Enum(['scheduled', 'open', 'paused', 'ended', 'live'])),
    host: Type.Optional(Type.Union([Id, Type.Literal('me')])),
  },
  object,
);
/** What the caller has to do with a drop. */
export const OwnDrop = Type.Object({
  pseudonym: Type.String({ description: 'Your name in the public log of this contest' }),
  waiting: Type.Union([Type.Object({ ahead: Type.Integer() }), Type.Null()]),
  isHost: Type.Boolean(),
});
export type OwnDrop = Static<typeof OwnDrop>;
export const ClaimRequest = Type.Object(
  { quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })) },
  object,
);
export const Claim = Type.Object({
  id: OrderId,
  orderId: OrderId,
  quantity: Type.Integer(),
  status: Type.Enum(['reserved', 'paid'], { description: 'paid: nothing was to pay' }),
  payBy: Instant,
  seq: Type.Integer({ description: 'Position in the public log' }),
});
export type Claim = Static<typeof Claim>;
export const WaitingPlace = Type.Object({
  id: OrderId,
  ahead: Type.Integer({ description: 'People before you' }),
  quantity: Type.Integer(),
  seq: Type.Integer(),
});
export type WaitingPlace = Static<typeof WaitingPlace>;
export const RestockRequest = Type.Object(
  { quantity: Type.Integer({ minimum: 1, maximum: 10_000_000 }) },
  object,
);

/** Orders. */
export const OrderStatus = Type.Enum([
  'reserved',
  'paid',
  'expired',
  'cancelled',
  'refunding',
  'refunded',
]);
export type OrderStatus = Static<typeof OrderStatus>;
export const Order = Type.Object({
  id: OrderId,
  dropId: Id,
  title: Type.String(),
  quantity: Type.Integer(),
  total: Type.Object({ amount: Type.Integer(), currency: Type.String() }),
  status: OrderStatus,
  createdAt: Instant,
  payBy: Instant,
});
export type Order = Static<typeof Order>;
/** An order with what became of it, oldest first. */
export const OrderDetail = Type.Object({
  ...Order.properties,
  history: Type.Array(
    Type.Object({
      fact: Type.String({ description: 'claimed, offered, paid, expired, cancelled ...' }),
      seq: Type.Integer({ description: 'Position in the public log' }),
      at: Instant,
    }),
  ),
});
export type OrderDetail = Static<typeof OrderDetail>;
export const OrderQuery = Type.Object({ ...Paging, status: Type.Optional(OrderStatus) }, object);
export const PayRequest = Type.Object(
  {
    provider: Type.String({ pattern: '^[a-z]{1,20}$', description: 'sandbox or stripe' }),
    /** true: answer with the address of the provider's pay page instead of paying at once. */
    page: Type.Optional(Type.Boolean({ default: false })),
  },
  object,
);
export type PayRequest = Static<typeof PayRequest>;
export const Paid = Type.Object({
  id: OrderId,
  status: OrderStatus,
  /** Where to pay, when the provider's own page is to be used. */
  payUrl: Type.Optional(Type.String()),
});
export type Paid = Static<typeof Paid>;

/** Time and proof. */
export const Time = Type.Object({ now: Instant, epochMs: Type.Number() });
export type Time = Static<typeof Time>;
export const Audit = Type.Object({
  ok: Type.Boolean(),
  contest: Id,
  entries: Type.Integer(),
  head: Type.String({ description: 'Hash of the last batch' }),
  chainOk: Type.Boolean(),
  log: Type.Object({
    stock: Type.Integer(),
    sold: Type.Integer(),
    held: Type.Integer(),
    left: Type.Integer(),
  }),
  differences: Type.Array(
    Type.Object({ what: Type.String(), log: Type.Unknown(), rows: Type.Unknown() }),
  ),
});
export type Audit = Static<typeof Audit>;

/** The installation, its demo and its sandbox. */
export const Installation = Type.Object({
  name: Type.String(),
  version: Type.String(),
  /** What the one-click visitor may do; null outside of a demo. */
  demo: Type.Union([
    Type.Object({
      identities: Type.Array(Type.Object({ name: Type.String(), role: Role })),
      drop: Type.Union([Id, Type.Null()], { description: 'The drop that opens next' }),
    }),
    Type.Null(),
  ]),
  payments: Type.Array(Type.String(), { description: 'Names of the payment providers' }),
  hosting: Type.Enum(['anyone', 'hosts']),
  fresh: Type.Boolean({ description: 'Nobody has registered yet: the first becomes admin' }),
});
export type Installation = Static<typeof Installation>;
export const CrowdRequest = Type.Object(
  { drop: Id, people: Type.Integer({ minimum: 1, maximum: 5_000 }) },
  object,
);
export type CrowdRequest = Static<typeof CrowdRequest>;
export const Crowd = Type.Object({ people: Type.Integer() });
export type Crowd = Static<typeof Crowd>;
export const SyntheticRequest = Type.Object(
  { count: Type.Integer({ minimum: 1, maximum: 50_000 }) },
  object,
);
export type SyntheticRequest = Static<typeof SyntheticRequest>;
export const SyntheticPeople = Type.Object({
  people: Type.Array(Type.Object({ id: Id, accessToken: Type.String() })),
});
export type SyntheticPeople = Static<typeof SyntheticPeople>;
export const SyntheticRemoved = Type.Object({ removed: Type.Integer() });
export type SyntheticRemoved = Static<typeof SyntheticRemoved>;
export const SandboxPayment = Type.Object({
  payment: Type.String(),
  orderId: OrderId,
  title: Type.String(),
  total: Type.Object({ amount: Type.Integer(), currency: Type.String() }),
  status: Type.Enum(['open', 'approved', 'declined']),
  payBy: Instant,
  returnUrl: Type.String(),
});
export type SandboxPayment = Static<typeof SandboxPayment>;
