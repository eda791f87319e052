-- Attempts to pay for an order; see docs/payments.md for the states. The row is written before any
-- provider is asked, so that money can always be told to belong somewhere.
create table payments (
  -- Our own opaque number of the payment: the only one that the public log ever shows.
  id uuid primary key,
  contest uuid not null,
  order_seq bigint not null,
  -- Null once the person is deleted.
  person uuid,
  provider text not null,
  -- What the provider calls it; null until it has told.
  provider_ref text,
  -- Where the person pays; null: the money is taken without a page.
  page_url text,
  amount bigint not null check (amount > 0),
  currency text not null,
  -- The attempt that a further request to pay goes on with.
  is_current boolean not null default true,
  status text not null default 'started' check (status in
    ('started', 'taken', 'kept', 'declined', 'refund_due', 'refunded', 'abandoned')),
  pay_by timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- When settlement looks at this row next; null: never again.
  due_at timestamptz,
  attempts integer not null default 0
);
-- One attempt at a time per order and provider: two tabs share it, so they charge once.
create unique index payments_current on payments (contest, order_seq, provider)
  where is_current;
create index payments_of_order on payments (contest, order_seq);
create index payments_of_person on payments (person, created_at) where person is not null;
create index payments_due on payments (due_at) where due_at is not null;

-- First answers to requests to pay that carried an idempotency key.
create table payment_requests (
  -- SHA-256 of person, order and key
  tag text primary key,
  -- What was asked
  request text not null,
  -- The attempt it began, so that a repeat goes on with that one.
  payment uuid,
  -- What was answered; null: not answered yet.
  answer jsonb,
  created_at timestamptz not null default now()
);
create index payment_requests_by_age on payment_requests (created_at);

-- Notices of providers that are in the log by now, so that repeats are nothing new.
create table payment_notices (
  provider text not null,
  notice text not null,
  received_at timestamptz not null default now(),
  primary key (provider, notice)
);
create index payment_notices_by_age on payment_notices (received_at);

-- The books of the sandbox, the payment provider in the box. It stands for a service of somebody
-- else: nothing but payments/sandbox.ts reads or writes it.
create table sandbox_payments (
  -- The caller's number, which is also the idempotency key.
  payment uuid primary key,
  order_id text not null,
  title text not null,
  amount bigint not null,
  currency text not null,
  status text not null default 'open' check (status in ('open', 'approved', 'declined')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  refunded_at timestamptz
);
