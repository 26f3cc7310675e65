-- The doc-server's own, under its own names: an adopted database has them already. The unique key (doc_type,
-- source_name, doc_path) serves lookups by type, so documents needs no index on doc_type alone; the one that an older
-- database has stays. The search index on the embedding is not here: built before a load it costs a load a hundredfold.
create index if not exists idx_documents_source_name on public.documents (source_name);
create index if not exists idx_documents_created_at on public.documents (created_at);
create index if not exists idx_documents_updated_at on public.documents (updated_at);
create index if not exists idx_document_sources_enabled on public.document_sources (enabled);
create index if not exists idx_document_sources_last_updated on public.document_sources (last_updated);
