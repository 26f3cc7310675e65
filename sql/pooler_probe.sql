-- Which server process answers, and the mark in its session.
select
    pg_catalog.pg_backend_pid() as process,
    coalesce(pg_catalog.current_setting('sqlmig.session_mark', true), '') as mark;
