-- What a run's batches say that they wrote; not how it fell into batches.
select string_agg(line, ' ' order by line)
from (
    select concat_ws(':', transform, source, sum(rows_inserted), sum(rows_updated), sum(rows_unchanged)) as line
    from sqlmig.batch
    where state = 'done'
    group by transform, source
) as lines
