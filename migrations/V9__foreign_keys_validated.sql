-- Apart from V8, so that the strong lock of adding the keys is not held while the rows are read.
alter table public.document_sources validate constraint document_sources_doc_type_fkey;
alter table public.documents validate constraint documents_source_fkey;
