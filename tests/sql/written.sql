-- What the newest run's batches say that they wrote, and what the undo tables hold of it; not how it fell into batches.
select string_agg(line, ' ' order by line)
from (
    select concat_ws(':', transform, source, sum(rows_inserted), sum(rows_updated), sum(rows_unchanged)) as line
    from sqlmig.batch
    where state = 'done'
    group by transform, source
    union all
    select concat_ws(':', 'undo', target, (xpath(
        '/row/rows/text()',
        query_to_xml(format('select count(*) as rows from %s', undo_table), false, true, '')
    ))[1]::text)
    from (select distinct target, undo_table from sqlmig.batch where state = 'done') as undo
) as lines
