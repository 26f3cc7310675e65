-- Rows that the database refused in an earlier try are tried again: their batches are forgotten, and quarantine gives them
-- back. Not once a later transform has gone over the row without it: it would never get there.
-- $1 run id, $2 transform, $3 the transforms after it
with again as (
    delete from sqlmig.batch as refused
    where refused.run_id = $1
        and refused.transform = $2
        and refused.rows_refused > 0
        and not exists (
            select
            from sqlmig.batch as later
            where later.run_id = $1
                and later.transform = any ($3::text[])
                and later.state = 'done'
                and (later.source is null
                    or later.source = refused.source and refused.first_row between later.first_row and later.last_row)
        )
    returning refused.source, refused.first_row
)

delete from sqlmig.quarantine as taken
using again
where taken.run_id = $1
    and taken.source = again.source
    and taken.row = again.first_row
    and taken.check_name = 'promote'
