-- The books: what the reader read of each source table, and where every row of it went. $1 run id
select
    source_table.source,
    source_table.staged_as,
    source_table.rows_read,
    source_table.rows_staged,
    source_table.rows_rejected,
    coalesce(promoted.rows_inserted, 0)::bigint as rows_inserted,
    coalesce(promoted.rows_updated, 0)::bigint as rows_updated,
    coalesce(promoted.rows_unchanged, 0)::bigint as rows_unchanged,
    coalesce(merged.rows, 0) as rows_merged,
    coalesce(quarantined.rows, 0) as rows_quarantined,
    coalesce(promoted.batches, 0) as batches,
    coalesce(promoted.batches_done, 0) as batches_done,
    coalesce(promoted.batches_rolled_back, 0) as batches_rolled_back
from sqlmig.source_table
left join (
    select
        source,
        pg_catalog.sum(rows_inserted) filter (where state = 'done') as rows_inserted,
        pg_catalog.sum(rows_updated) filter (where state = 'done') as rows_updated,
        pg_catalog.sum(rows_unchanged) filter (where state = 'done') as rows_unchanged,
        pg_catalog.count(*) as batches,
        pg_catalog.count(*) filter (where state = 'done') as batches_done,
        pg_catalog.count(*) filter (where state = 'rolled_back') as batches_rolled_back
    from sqlmig.batch
    where run_id = $1 and counted
    group by source
) as promoted on promoted.source = source_table.source
left join (
    select source, pg_catalog.count(*) as rows
    from sqlmig.merged
    where run_id = $1
    group by source
) as merged on merged.source = source_table.source
left join (
    select source, pg_catalog.count(*) as rows
    from sqlmig.quarantine
    where run_id = $1
    group by source
) as quarantined on quarantined.source = source_table.source
where source_table.run_id = $1
order by source_table.ordinal
