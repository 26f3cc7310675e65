--! summary: The parts of a file, one after another, are its text: nothing was cut off
--! on: public.documents
--! severity: error
-- Of the files that this run decoded and of which every part was accepted. A type whose SQL writes content of its own takes
-- `part` out of the metadata.
{% if fed('files') and fed('documents') %}
select
    concat_ws('/', files.doc_type, files.source_name, files.path) as row,
    format('its %s documents are together not the text of the file', count(*)) as reason
from {{ clean('files') }} as files
join {{ clean('documents') }} as documents
    on documents.doc_type = files.doc_type
    and documents.source_name = files.source_name
    and documents.metadata ->> 'file' = files.path
join public.documents as final
    on final.doc_type = documents.doc_type
    and final.source_name = documents.source_name
    and final.doc_path = documents.doc_path
where files.state = 'read'
group by files.doc_type, files.source_name, files.path, files.parts, files.text_sha256
having count(*) = files.parts
    and count(final.metadata -> 'part') = files.parts
    and sha256(convert_to(string_agg(final.content, '' order by (final.metadata ->> 'part')::integer), 'UTF8'))
        is distinct from files.text_sha256
{% else %}
select null::text as row, null::text as reason where false
{% endif %}
