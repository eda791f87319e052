-- First answers to commands that carried an idempotency key and whose answer shows figures of the
-- moment: a repeat gets these bytes. Claims need no row, their answers follow from the log alone.
create table first_answers (
  -- SHA-256 of contest, person and key
  tag bytea primary key,
  person uuid not null references people (id) on delete cascade,
  -- json, not jsonb: the order of its members is part of it.
  answer json not null,
  created_at timestamptz not null default now()
);
create index first_answers_of_person on first_answers (person);
create index first_answers_by_age on first_answers (created_at);
