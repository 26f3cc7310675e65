-- Tables of the ledger that this role may not write to
select pg_catalog.format('%I.%I', namespace.nspname, class.relname) as name
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = 'sqlmig'
    and class.relkind = 'r'
    and class.relname !~ 'migration$'
    and not (
        pg_catalog.has_table_privilege(class.oid, 'select')
        and pg_catalog.has_table_privilege(class.oid, 'insert')
        and pg_catalog.has_table_privilege(class.oid, 'update')
        and pg_catalog.has_table_privilege(class.oid, 'delete')
    )
order by 1
limit 3
