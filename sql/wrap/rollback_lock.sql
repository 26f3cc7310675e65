-- Locks the rows that a batch wrote, as far as they are still there, so that they stay as they are found.
-- $1 run id, $2 batch
{%- from 'macros.sql' import same %}
select pg_catalog.count(*) as rows
from (
    select
    from {{ undo }} as image
    join {{ target }} as target on {{ same(key, 'target', 'image') }}
    where image._run_id = $1 and image._batch = $2
    for update of target
) as locked
