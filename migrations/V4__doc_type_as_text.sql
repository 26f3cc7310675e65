-- An older doc-server declared doc_type as an enum and limited names to 255 characters. A type is a row of doc_types
-- now, and no name may abort a load by its length. The doc-server's two views stand in the way and come back as they
-- were; any other view on these columns makes this migration fail, naming the view, rather than lose it. A foreign key
-- between the two tables goes, since its ends change one after the other; V8 adds it under the name that it has here.
do $$
declare
    had_rust_documents constant boolean := to_regclass('public.rust_documents') is not null;
    had_active_sources constant boolean := to_regclass('public.active_sources') is not null;
    foreign_key name;
begin
    if not exists (
        select from pg_attribute
        where attrelid in ('public.documents'::regclass, 'public.document_sources'::regclass)
          and (attname = 'doc_type' and atttypid <> 'text'::regtype
               or attname in ('source_name', 'version') and atttypmod <> -1)
    ) then
        return;
    end if;
    for foreign_key in
        select conname from pg_constraint
        where contype = 'f' and conrelid = 'public.documents'::regclass
          and confrelid = 'public.document_sources'::regclass
    loop
        execute format('alter table public.documents drop constraint %I', foreign_key);
    end loop;
    drop view if exists public.rust_documents, public.active_sources;
    alter table public.documents
        alter column doc_type type text,
        alter column source_name type varchar;
    alter table public.document_sources
        alter column doc_type type text,
        alter column source_name type varchar,
        alter column version type varchar;
    if had_rust_documents then
        create view public.rust_documents as select * from public.documents where doc_type = 'rust';
    end if;
    if had_active_sources then
        create view public.active_sources as select * from public.document_sources where enabled;
    end if;
end
$$;
