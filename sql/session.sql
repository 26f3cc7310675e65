-- What every session of sqlmig is set to, whatever the role, the database or the server has as its default.
-- One statement, so that it works through poolers; all of it lasts as long as the session.
-- search_path: what a transform does not qualify is found in public; operators and casts of vectors where that
-- extension is installed; temporary objects last, so that none stands in for a table.
-- sqlmig.loading: by it a trigger of a target can tell what a load changes from what its users change.
-- row_security off: a policy that would hide rows is an error, because hidden rows are lost rows.
select
    pg_catalog.set_config('datestyle', 'ISO, YMD', false),
    pg_catalog.set_config('intervalstyle', 'postgres', false),
    pg_catalog.set_config('timezone', 'UTC', false),
    pg_catalog.set_config('extra_float_digits', '1', false),
    pg_catalog.set_config('bytea_output', 'hex', false),
    pg_catalog.set_config('standard_conforming_strings', 'on', false),
    pg_catalog.set_config('row_security', 'off', false),
    pg_catalog.set_config('sqlmig.loading', 'on', false),
    pg_catalog.set_config(
        'search_path',
        pg_catalog.concat_ws(
            ', ',
            'public',
            (
                select pg_catalog.quote_ident(n.nspname)
                from pg_catalog.pg_extension as e
                join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
                where e.extname = 'vector' and n.nspname <> 'public'
            ),
            'pg_temp'
        ),
        false
    );
