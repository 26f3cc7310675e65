-- What the newest run did not promote: every row in quarantine and every one that was merged away, with all that is told.
select pg_catalog.md5(
    (
        select coalesce(pg_catalog.string_agg(pg_catalog.concat_ws(
            '~', q.source, q.row, q.check_name, q.code, q.column_name, q.reason, q.line, q.byte_offset, q.raw, q.staged
        ), E'\n' order by q.source, q.row), '')
        from sqlmig.quarantine as q
        where q.run_id = (select id from sqlmig.run order by started_at desc limit 1)
    )
    || '|'
    || (
        select coalesce(pg_catalog.string_agg(pg_catalog.concat_ws(
            '~', m.source, m.row, m.winner_source, m.winner_row
        ), E'\n' order by m.source, m.row), '')
        from sqlmig.merged as m
        where m.run_id = (select id from sqlmig.run order by started_at desc limit 1)
    )
)
