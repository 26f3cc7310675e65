-- Rows that a batch deleted from its target: they were counted as updated. (`rows_deleted` is what a rollback
-- deleted of it.)
alter table sqlmig.batch
add column rows_removed bigint not null default 0;
