-- A table that the dump would empty and drop, and what else its statements could have changed: objects outside of
-- sqlmig's own schemas, roles and the server's settings.
create table public.documents (content text);
insert into public.documents values ('kept');

create function pg_temp.catalog_snapshot() returns table (kind text, name text, detail text)
begin atomic
    select 'relation', class.oid::regclass::text, concat_ws(' ', class.relkind, class.relowner::regrole)
    from pg_class as class
    where class.relnamespace::regnamespace::text not in ('staging', 'sqlmig', 'pg_toast')
        and class.relpersistence <> 't'
    union all
    select 'schema', nspname, nspacl::text from pg_namespace
    where nspname not in ('staging', 'sqlmig') and nspname not like 'pg_%'
    union all
    select 'function', oid::regprocedure::text, null from pg_proc
    where pronamespace::regnamespace::text not in ('sqlmig', 'pg_catalog')
        and not starts_with(pronamespace::regnamespace::text, 'pg_temp')
    union all
    select 'role', rolname, concat_ws(' ', rolsuper, rolcanlogin, md5(rolpassword)) from pg_authid
    union all
    select 'extension', extname, extversion from pg_extension
    union all
    select 'event trigger', evtname, evtenabled::text from pg_event_trigger
    union all
    select 'publication', pubname, null from pg_publication
    union all
    select 'server', srvname, null from pg_foreign_server
    union all
    select 'trigger', tgname, tgrelid::regclass::text from pg_trigger where not tgisinternal and tgrelid::regclass::text not like 'sqlmig.%'
    union all
    select 'large object', oid::text, null from pg_largeobject_metadata
    union all
    select 'setting', name, setting from pg_file_settings
    union all
    select 'row', 'public.documents', content from public.documents
    order by 1, 2, 3;
end;
