--! summary: With --prune, files that are gone from their tree
--! target: public.document_files
--! key: doc_type, source_name, path
--! needs: trees
--! action: delete
{% if fed('files') %}
select known.doc_type, known.source_name, known.path
from public.document_files as known
join {{ canonical('trees') }} as trees
    on trees.doc_type = known.doc_type and trees.source_name = known.source_name and trees.prune
where trees.files = (
        select count(*) from {{ canonical('files') }} as files
        where files.doc_type = trees.doc_type and files.source_name = trees.source_name
    )
    and not exists (
        select from {{ canonical('files') }} as files
        where files.doc_type = known.doc_type and files.source_name = known.source_name and files.path = known.path
    )
{% else %}
select doc_type, source_name, path from public.document_files where false
{% endif %}
