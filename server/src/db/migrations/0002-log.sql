-- The log of every contest: one row a batch, appended under the contest's head row, which orders the
-- writers of all processes and carries position, clock and hash on.
create table log_head (
  contest uuid primary key,
  epoch integer not null default 1,
  -- Position of the last entry; 0: empty.
  seq bigint not null default 0,
  -- Milliseconds since 1970; never goes back.
  at bigint not null default 0,
  hash bytea not null
) with (fillfactor = 50); -- room in the page, so that each append updates in place (HOT)

create table log_batch (
  contest uuid not null,
  -- Position of the batch's first entry.
  seq bigint not null,
  count integer not null,
  epoch integer not null,
  at bigint not null,
  hash bytea not null,
  payload text not null,
  primary key (contest, seq)
);
-- Squeezing each batch on the hot path would cost more than it saves; the archive does that later.
alter table log_batch alter column payload set storage external;

-- Batches that the projector is through with, put away squeezed; see journal/archive.ts.
create table log_segment (
  contest uuid not null,
  first_seq bigint not null,
  last_seq bigint not null,
  -- gzip of the batches as NDJSON, in order
  batches bytea not null,
  primary key (contest, first_seq)
);
alter table log_segment alter column batches set storage external;
