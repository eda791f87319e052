-- Accounts and their sessions; see docs/people.md. Passwords only as argon2id, tokens only as hashes.
create table people (
  id uuid primary key,
  -- As the person writes it.
  name text not null,
  -- As names are told apart, see people/names.ts. Null: throw-away people, who never sign in by name.
  name_key text,
  -- PHC string. Null: nobody can sign in by password.
  password_hash text,
  roles text[] not null,
  -- Grows when name or roles change: access tokens carry it, older ones have to be refreshed.
  version integer not null default 1,
  is_synthetic boolean not null default false,
  -- The throw-away people of one minting share this as the session in their tokens.
  synthetic_batch uuid,
  created_at timestamptz not null default now(),
  check (is_synthetic = (synthetic_batch is not null)),
  check (is_synthetic = (name_key is null)),
  check ('member' = any (roles))
);
create unique index people_by_name on people (name_key);
create index people_synthetic on people (synthetic_batch) where synthetic_batch is not null;
create index people_admins on people (id) where 'admin' = any (roles);

-- The first person of an installation, who is its admin. One row at most, which decides the race.
create table founder (
  single boolean primary key default true check (single),
  person uuid not null unique references people (id) on delete cascade
);

create table sessions (
  id uuid primary key,
  person uuid not null references people (id) on delete cascade,
  -- SHA-256 of the refresh token that is good now, and of the one it came from.
  refresh_hash bytea not null,
  previous_hash bytea,
  rotated_at timestamptz not null default now(),
  user_agent text not null default '',
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_of_person on sessions (person, last_used_at desc);
create index sessions_by_end on sessions (expires_at);

-- Access tokens that must not pass although they have not expired: every process keeps them in
-- memory. Rows are of no use once the last such token has expired.
create table revocations (
  id bigint generated always as identity primary key,
  -- A session, or a person when `version` is given: tokens of an older version must be refreshed.
  subject uuid not null,
  version integer,
  at timestamptz not null default clock_timestamp(),
  until timestamptz not null
);
create index revocations_by_time on revocations (at);
create index revocations_by_end on revocations (until);
