--! summary: Every constraint of the final tables has been validated
--! on: public.documents
--! severity: error
select
    conrelid::regclass::text || '.' || conname as row,
    'constraint is not validated: see alter table … validate constraint' as reason
from pg_constraint
where conrelid in ('public.documents'::regclass, 'public.document_sources'::regclass, 'public.doc_types'::regclass)
    and not convalidated
