--! summary: No two documents of different content have the same embedding
--! on: public.documents
--! severity: warn
-- By digests: no vector is read. The first of them is not named.
select row, format('has the embedding of %s, whose content is another', first_row) as reason
from (
    select
        concat_ws('/', doc_type, source_name, doc_path) as row,
        content_sha256,
        first_value(concat_ws('/', doc_type, source_name, doc_path)) over same_embedding as first_row,
        first_value(content_sha256) over same_embedding as first_content
    from public.documents
    where embedding_sha256 is not null
    window same_embedding as (partition by embedding_sha256 order by doc_type, source_name, doc_path)
) as found
where content_sha256 <> first_content
