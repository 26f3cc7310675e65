-- Ranges of rows in the ledger of the newest run that overlap, leave a gap, or do not end where the table ends; and
-- batches that are not done, or that an older epoch has done after a newer one.
with newest as (
    select id from sqlmig.run order by started_at desc limit 1
),

range as (
    select 'chunk' as kind, '' as transform, c.source, c.first_row, c.last_row
    from sqlmig.chunk as c
    join newest on newest.id = c.run_id
    union all
    select 'batch', b.transform, b.source, b.first_row, b.last_row
    from sqlmig.batch as b
    join newest on newest.id = b.run_id
    where b.source is not null and b.state = 'done'
),

neighbour as (
    select
        range.*,
        pg_catalog.lag(last_row, 1, 0::bigint) over same as before,
        pg_catalog.lead(first_row) over same as after
    from range
    window same as (partition by kind, transform, source order by first_row, last_row)
),

fault as (
    select pg_catalog.format('%s %s of %s: rows %s to %s follow row %s', kind, transform, source, first_row, last_row, before) as what
    from neighbour
    where first_row <> before + 1 or last_row < first_row
    union all
    select pg_catalog.format('%s %s of %s ends at row %s of %s', n.kind, n.transform, n.source, n.last_row, s.rows_read)
    from neighbour as n
    join sqlmig.source_table as s on s.run_id = (select id from newest) and s.source = n.source
    where n.after is null and n.last_row <> s.rows_read
    union all
    select pg_catalog.format('no chunk of %s', s.source)
    from sqlmig.source_table as s
    join newest on newest.id = s.run_id
    where s.rows_read > 0 and not exists (select from range where range.kind = 'chunk' and range.source = s.source)
    union all
    select pg_catalog.format('batch %s is %s: %s', b.number, b.state, b.error)
    from sqlmig.batch as b
    join newest on newest.id = b.run_id
    where b.state <> 'done'
    union all
    select pg_catalog.format('batch %s was written by epoch %s after epoch %s had begun', b.number, b.epoch, other.epoch)
    from sqlmig.batch as b
    join newest on newest.id = b.run_id
    join sqlmig.batch as other on other.run_id = b.run_id
    where other.state = 'done' and b.state = 'done' and other.epoch > b.epoch and other.finished_at < b.finished_at
)

select coalesce(pg_catalog.string_agg(what, '; '), '') from fault
