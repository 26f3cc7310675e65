-- What is needed to try a batch again, and to take it apart. `planned_epoch` is the epoch of the conductor that laid it out:
-- workers of other processes join that one. `failures` and `timeouts` count since the batch has had its present range;
-- `attempts` counts all. Nobody claims it before `retry_at`. `rows_refused` is 1 for a batch that came down to a single row
-- that the database refused; the row is in quarantine.
alter table sqlmig.batch
add column planned_epoch bigint,
add column failures integer not null default 0,
add column timeouts integer not null default 0,
add column retry_at timestamptz,
add column rows_refused bigint not null default 0;
