-- Every document belongs to a source. An older database may hold documents whose source was never written down, which
-- the keys below would refuse: they get a source that says so. Types found in use become known types for the same
-- reason. Nothing is deleted.
insert into public.document_sources (doc_type, source_name, config, last_updated, created_at, updated_at)
select doc_type, source_name, '{"added_by": "sqlmig", "reason": "documents without a source"}',
       max(updated_at), min(created_at), max(updated_at)
from public.documents
group by doc_type, source_name
on conflict (doc_type, source_name) do nothing;

insert into public.doc_types (doc_type, summary)
select distinct doc_type, 'Found in the database'
from public.document_sources
on conflict (doc_type) do nothing;
