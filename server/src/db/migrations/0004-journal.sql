-- What the projector makes of the logs: rows for lists, search, reports and the audit.
create table contests (
  id uuid primary key,
  kind text not null,
  host uuid,
  title text not null,
  description text not null default '',
  picture_url text,
  picture_text text not null default '',
  is_synthetic boolean not null default false,
  created_at timestamptz not null default now(),
  -- Secret until the log reveals it; null where the contest needs none.
  seed text,
  -- What its maker asked for, so that a repeat can be told from another wish.
  request_hash text not null default '',
  -- From here on the projector writes, together with its cursor. Before the first entry: 'new'.
  status text not null default 'new',
  opens_at timestamptz,
  closes_at timestamptz,
  price_amount bigint not null default 0,
  price_currency text not null default '',
  stock bigint not null default 0,
  sold bigint not null default 0,
  held bigint not null default 0,
  waiting integer not null default 0,
  terms jsonb not null default '{}',
  -- When the clock has to act next; null: never again by itself.
  due_at bigint,
  -- Position up to which these rows hold.
  cursor_seq bigint not null default 0
);
create index contests_by_opening on contests (opens_at desc, id desc);
create index contests_by_host on contests (host, opens_at desc, id desc);
create index contests_due on contests (due_at) where due_at is not null;

-- No foreign key to contests: the projector writes both, and a check per row is a fifth of its cost.
create table orders (
  contest uuid not null,
  -- The log entry that brought the order forth.
  seq bigint not null,
  -- Null once the person is deleted.
  person uuid,
  quantity integer not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  created_at timestamptz not null,
  pay_by timestamptz not null,
  payment text,
  -- Each change as a fact of the log, see journal/order-history.ts.
  history text not null default '',
  primary key (contest, seq)
);
-- A person has few orders: sorting them costs less than keeping them sorted for everybody.
create index orders_of_person on orders (person);
create index orders_refunding on orders (contest, seq) where status = 'refunding';

-- Where a cold start begins: a cache, see arena/snapshots.ts.
create table snapshots (
  contest uuid primary key,
  seq bigint not null,
  format text not null,
  fold bytea not null
);
alter table snapshots alter column fold set storage external;
