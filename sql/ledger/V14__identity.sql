-- What a run that is taken up again is held against, besides the project's hash and the source's digest: what of the
-- source was asked for, the target (the server's own identifier and the database), and the shape of the final tables as the
-- checks found it. Two more states: a run that was set aside for another, and one that was taken back. `accepted_at`
-- marks a run whose before-images were given up.
alter table sqlmig.run
add column scope text not null default '',
add column target text,
add column target_schema text,
add column accepted_at timestamptz,
drop constraint run_state_check,
add constraint run_state_check
check (state in ('staging', 'staged', 'checked', 'promoted', 'done', 'superseded', 'rolled_back'));

-- What a chunk held, so that the same chunk, read again, is known to be the same: a digest of all its rows in their order, and
-- the bytes they had in the source.
alter table sqlmig.chunk
add column bytes bigint not null default 0,
add column content_digest bigint not null default 0;

-- PostgreSQL empties UNLOGGED tables after a crash, and an empty table cannot be told from one that was never filled. This
-- one is UNLOGGED too and gets a row when a run begins to stage: the row gone, so are the staged rows.
create unlogged table sqlmig.canary (
    run_id uuid primary key
);
