-- A rollback reads one batch after the other.
create index if not exists {{ index | ident }} on {{ undo }} (_run_id, _batch)
