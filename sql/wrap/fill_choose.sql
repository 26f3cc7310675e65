-- Copies the rows of one staging table that are left without a vector, and those that were merged into one of them, from which it took
-- what it lacked. $1 the new run's id, $2 run id, $3 source table
with recursive meant as (
    select wanted.source, wanted.row
    from sqlmig.embedding_wanting as wanted
    where wanted.run_id = $2
        and not exists (
            select
            from sqlmig.quarantine as taken
            where taken.run_id = $2 and taken.source = wanted.source and taken.row = wanted.row
        )
    union
    select merged.source, merged.row
    from meant
    join sqlmig.merged as merged
        on merged.run_id = $2 and merged.winner_source = meant.source and merged.winner_row = meant.row
)

insert into sqlmig.retry (run_id, source, row, from_run, staged)
select $1, $3, staged._row, $2, pg_catalog.to_jsonb(staged.*) - '_row'
from {{ staged }} as staged
where staged._row in (select meant.row from meant where meant.source = $3)
