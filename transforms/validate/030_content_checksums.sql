--! summary: The content in the final table is, byte for byte, what the reader took from the source
--! on: public.documents
--! severity: error
{% if fed('documents') %}
select
    concat_ws('/', final.doc_type, final.source_name, final.doc_path) as row,
    'the SHA-256 of the content is not the one taken from the source' as reason
from {{ clean('documents') }} as documents
join public.documents as final
    on final.doc_type = documents.doc_type
    and final.source_name = documents.source_name
    and final.doc_path = documents.doc_path
where sha256(convert_to(final.content, 'UTF8')) is distinct from documents.content_sha256
    or final.content_sha256 is distinct from documents.content_sha256
{% else %}
select null::text as row, null::text as reason where false
{% endif %}
