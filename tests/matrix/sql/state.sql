-- What the next run finds, table by table: how it is made, and the SELECT of its rows, without what differs from one run to the next and
-- decides nothing: times, process numbers, durations, memory, and what an error says; that there is one is kept. Three tables of the ledger are only told of: event, phase, stint.
select
    pg_catalog.concat_ws(
        ' ', class.oid::regclass, class.relkind, class.relpersistence, class.reloptions,
        pg_catalog.obj_description(class.oid, 'pg_class'),
        (
            select pg_catalog.string_agg(
                pg_catalog.concat_ws(
                    ' ', attribute.attname, pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
                    attribute.attnotnull, attribute.attstorage
                ),
                ', ' order by attribute.attnum
            )
            from pg_catalog.pg_attribute as attribute
            where attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
        ),
        (
            select pg_catalog.string_agg(pg_catalog.pg_get_indexdef(index.indexrelid), ', ' order by index.indexrelid)
            from pg_catalog.pg_index as index
            where index.indrelid = class.oid
        )
    ) as made,
    pg_catalog.format(
        'select %L || (pg_catalog.to_jsonb(row_of) - %L::text[])::text || ((pg_catalog.to_jsonb(row_of) ->> ''error'') is null)
            as line from %s as row_of',
        class.oid::regclass,
        '{at,error,xid,pid,elapsed_ms,started_at,finished_at,staged_at,peak_rss_bytes,applied_on,environment}',
        class.oid::regclass
    ) as rows
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname in ('sqlmig', 'staging', 'public')
    and class.relkind in ('r', 'p')
    and not (namespace.nspname = 'sqlmig' and class.relname in ('event', 'phase', 'stint'))
