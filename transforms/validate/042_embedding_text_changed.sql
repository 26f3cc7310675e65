--! summary: An embedding is of the text that its document has now
--! on: public.documents
--! severity: warn
-- By digests: no vector is read.
select
    concat_ws('/', doc_type, source_name, doc_path) as row,
    'the content has changed since the embedding was made: set the embedding to null and load the document again' as reason
from public.documents
where embedding is not null and embedding_text_sha256 <> content_sha256
