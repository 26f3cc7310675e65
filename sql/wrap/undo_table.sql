-- Before-images of one final table: of a row that a run changed or deleted, all its columns as they were; of one that it inserted,
-- the key. Made from the target, without its constraints, so that it holds whatever the target held. `_after` is a hash of
-- the row as the batch left it, `_kept` is for a rollback to mark what it leaves.
create table if not exists {{ undo }} as
select
    null::uuid as _run_id, null::bigint as _batch, null::text as _operation, null::bigint as _after, null::text as _kept,
    {{ columns | idents('target') }}
from {{ target }} as target
with no data
