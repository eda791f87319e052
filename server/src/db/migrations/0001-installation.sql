-- Secrets and facts of the installation as a whole, the same for every process of it.
create table installation (
  name text primary key check (length(name) between 1 and 100),
  value text not null
);
