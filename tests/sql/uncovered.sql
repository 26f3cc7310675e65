-- Rows of the newest run that no batch of a transform covers, or more than one; and batches that are not done.
select string_agg(concat_ws(' ', transform, source, row, batches), ', ')
from (
    select batch.transform, batch.source, row.row, count(*) filter (where row.row between batch.first_row and batch.last_row) as batches
    from sqlmig.batch as batch
    join sqlmig.source_table as read on read.run_id = batch.run_id and read.source = batch.source
    cross join generate_series(1, read.rows_read) as row (row)
    where batch.run_id = (select id from sqlmig.run order by started_at desc limit 1) and batch.state = 'done'
    group by 1, 2, 3
) as covered
where batches <> 1
