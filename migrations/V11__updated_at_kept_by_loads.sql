-- The doc-server's trigger stamps updated_at with the clock on every update. A load must leave what the source says, or
-- loading the same dump twice would never come to rest. So the trigger keeps out of the way where the update sets
-- updated_at itself, and of connections of sqlmig (known by application_name), whatever they set.
create or replace function public.update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = current_timestamp;
    return new;
end;
$$;

drop trigger if exists update_documents_updated_at on public.documents;
create trigger update_documents_updated_at before update on public.documents for each row
when (new.updated_at is not distinct from old.updated_at
      and coalesce(current_setting('application_name', true), '') not like 'sqlmig%')
execute function public.update_updated_at_column();

drop trigger if exists update_document_sources_updated_at on public.document_sources;
create trigger update_document_sources_updated_at before update on public.document_sources for each row
when (new.updated_at is not distinct from old.updated_at
      and coalesce(current_setting('application_name', true), '') not like 'sqlmig%')
execute function public.update_updated_at_column();
