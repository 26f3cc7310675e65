-- Leaves a mark in the session that no other session has.
select pg_catalog.set_config('sqlmig.session_mark', pg_catalog.gen_random_uuid()::text, false);
