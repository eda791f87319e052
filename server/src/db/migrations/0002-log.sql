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

-- Appends a batch; no row comes back where the contest has no log.
create function log_append(of_contest uuid, entries integer, text_of_entries text)
returns table (epoch integer, seq bigint, at bigint, hash bytea)
language sql as $$
  with head as (
    update log_head h
    set seq = h.seq + entries,
        at = greatest(h.at, clock.now),
        hash = sha256(h.hash || int8send(h.epoch) || int8send(h.seq + 1)
          || int8send(greatest(h.at, clock.now)) || convert_to(text_of_entries, 'UTF8'))
    from (select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now offset 0) clock
    where h.contest = of_contest
    returning h.epoch, h.seq - entries + 1 as first, h.at, h.hash
  )
  insert into log_batch (contest, seq, count, epoch, at, hash, payload)
  select of_contest, first, entries, head.epoch, head.at, head.hash, text_of_entries from head
  returning log_batch.epoch, log_batch.seq, log_batch.at, log_batch.hash
$$;

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
