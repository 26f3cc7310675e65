-- A batch that was promoted may be taken back: how many of its rows were deleted and restored, and how many stay as they are
-- because somebody changed them since, or needs them. Its rows no longer enter the books, and it is never done again: what
-- is promoted anew gets a batch of its own.
alter table sqlmig.batch
add column rows_deleted bigint not null default 0,
add column rows_restored bigint not null default 0,
add column rows_kept bigint not null default 0,
add column rolled_back_at timestamptz,
drop constraint batch_state_check,
add constraint batch_state_check check (state in ('pending', 'done', 'failed', 'rolled_back'));
