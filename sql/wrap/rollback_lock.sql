-- Locks the rows that a batch wrote, as far as they are still there, so that they stay as they are found.
-- $1 run id, $2 batch
select pg_catalog.count(*) as rows
from (
    select
    from {{ undo }} as image
    join {{ target }} as target on {% for column in key %}target.{{ column | ident }} = image.{{ column | ident }}{% if not loop.last %} and {% endif %}{% endfor %}
    where image._run_id = $1 and image._batch = $2
    for update of target
) as locked
