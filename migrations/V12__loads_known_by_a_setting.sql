-- A connection of sqlmig is known by a setting that each of its sessions makes, no longer by application_name, which whoever
-- runs it may choose: under another name the trigger would stamp what a load changes with the clock.
drop trigger if exists update_documents_updated_at on public.documents;
create trigger update_documents_updated_at before update on public.documents for each row
when (new.updated_at is not distinct from old.updated_at
      and coalesce(current_setting('sqlmig.loading', true), '') <> 'on')
execute function public.update_updated_at_column();

drop trigger if exists update_document_sources_updated_at on public.document_sources;
create trigger update_document_sources_updated_at before update on public.document_sources for each row
when (new.updated_at is not distinct from old.updated_at
      and coalesce(current_setting('sqlmig.loading', true), '') <> 'on')
execute function public.update_updated_at_column();
