-- Not valid first: adding a key then takes its lock for a moment only, and the validation that follows reads the table
-- under a weaker one (PostgreSQL manual, ALTER TABLE, "Notes"). A database whose names were text already may have kept
-- the second key.
alter table public.document_sources
    add constraint document_sources_doc_type_fkey
    foreign key (doc_type) references public.doc_types (doc_type) not valid;

alter table public.documents drop constraint if exists documents_source_fkey;
alter table public.documents
    add constraint documents_source_fkey
    foreign key (doc_type, source_name) references public.document_sources (doc_type, source_name) not valid;
