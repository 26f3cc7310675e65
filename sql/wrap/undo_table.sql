-- Before-images of one final table: of a row that a run changed, all its columns as they were; of one that it inserted,
-- the key. Made from the target, without its constraints, so that it holds whatever the target held.
create table if not exists {{ undo }} as
select null::uuid as _run_id, null::bigint as _batch, null::text as _operation, {{ columns | idents('target') }}
from {{ target }} as target
with no data
