-- Staged rows of one table as the ledger's copy has them: those in quarantine, and for a retry all that it took.
select
    copied.row as _row
    {%- for column in columns %},
    (copied.staged ->> {{ column.name | literal }}){{ column.cast }} as {{ column.name | ident }}
    {%- endfor %}
from (
    select row, staged
    from sqlmig.retry
    where run_id = {{ run | literal }}::uuid and source = {{ source | literal }}
    union all
    select row, staged
    from sqlmig.quarantine as taken
    where run_id = {{ run | literal }}::uuid and source = {{ source | literal }} and staged is not null
        and not exists (
            select from sqlmig.retry where retry.run_id = taken.run_id and retry.source = taken.source and retry.row = taken.row
        )
) as copied
