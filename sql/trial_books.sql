-- Rows of a trial that would be taken out, and rows that would be merged into others, by source table
select known.source, pg_catalog.sum(known.rejected)::bigint as rejected, pg_catalog.sum(known.merged)::bigint as merged
from (
    select quarantine.source, 1 as rejected, 0 as merged
    from pg_temp."sqlmig quarantine" as quarantine
    union all
    select merged.source, 0, 1
    from pg_temp."sqlmig merged" as merged
) as known
group by known.source
