-- The rows of a canonical relation that neither the decoder nor a check took out.
select canonical.*
from ({{ canonical }}) as canonical
where not exists (
    select
    from {{ quarantine }} as taken
    where taken.run_id = {{ run | literal }}::uuid
        and taken.source = canonical._source
        and taken.row = canonical._row
)
