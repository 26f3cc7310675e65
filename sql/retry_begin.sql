-- What a retry is: the run whose quarantine it reads, and a digest of the rows that it took. $1 the retry's run id, $2 parent
update sqlmig.run
set
    parent = $2,
    complete = true,
    source_bytes = taken.bytes,
    source_sha256 = taken.sha256
from (
    select
        coalesce(pg_catalog.sum(pg_catalog.octet_length(staged::text)), 0)::bigint as bytes,
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(
            pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
                pg_catalog.concat_ws(' ', source, row, staged), 'UTF8')), 'hex'),
            '' order by source, row), ''), 'UTF8')), 'hex') as sha256
    from sqlmig.retry
    where run_id = $1
) as taken
where id = $1
