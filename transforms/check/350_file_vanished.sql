--! summary: The files that documents came from are still in their tree
--! on: trees
--! severity: warn
-- Told of a tree of which every file was read: a retry of some rows says nothing about the others.
{% if fed('files') %}
select
    trees._row,
    case
        when trees.prune then format('%s is gone, and so are its documents: --prune', known.path)
        else format('%s is gone; its documents stay, --prune removes them', known.path)
    end as reason
from {{ rows }} as trees
join public.document_files as known
    on known.doc_type = trees.doc_type and known.source_name = trees.source_name
where trees.files = (
        select count(*) from {{ canonical('files') }} as files
        where files.doc_type = trees.doc_type and files.source_name = trees.source_name
    )
    and not exists (
        select from {{ canonical('files') }} as files
        where files.doc_type = known.doc_type and files.source_name = known.source_name and files.path = known.path
    )
{% else %}
select null::bigint as _row, null::text as reason where false
{% endif %}
