--! summary: Every index of the final tables is valid and ready
--! on: public.documents
--! severity: error
-- A CREATE INDEX CONCURRENTLY that failed leaves an index that is written to and never read (PostgreSQL manual,
-- CREATE INDEX, "Building Indexes Concurrently").
select indexrelid::regclass::text as row, 'index is not valid: drop it and build it again' as reason
from pg_index
where indrelid in ('public.documents'::regclass, 'public.document_sources'::regclass, 'public.doc_types'::regclass)
    and not (indisvalid and indisready)
