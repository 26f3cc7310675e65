--! summary: Documents that their file no longer has, and, with --prune, those whose file is gone
--! target: public.documents
--! key: doc_type, source_name, doc_path
--! needs: trees
--! action: delete
-- Only documents that a tree has brought: those of a file in document_files. Where this run has not all parts of a file, or
-- not all files of a tree, as in a retry, nothing is concluded from what it lacks.
{% if fed('files') %}
with trees as (
    select trees.doc_type, trees.source_name, trees.prune
    from {{ canonical('trees') }} as trees
    join (
        select doc_type, source_name, count(*) as files
        from {{ canonical('files') }} as files
        group by doc_type, source_name
    ) as read on read.doc_type = trees.doc_type and read.source_name = trees.source_name and read.files = trees.files
),

now as (
{% if fed('documents') %}
    select doc_type, source_name, doc_path, metadata ->> 'file' as path
    from {{ canonical('documents') }} as documents
{% else %}
    select null::text as doc_type, null::text as source_name, null::text as doc_path, null::text as path where false
{% endif %}
),

decoded as (
    select files.doc_type, files.source_name, files.path
    from {{ accepted('files') }} as files
    left join (
        select doc_type, source_name, path, count(*) as parts from now group by doc_type, source_name, path
    ) as own on own.doc_type = files.doc_type and own.source_name = files.source_name and own.path = files.path
    where files.state = 'read' and files.parts = coalesce(own.parts, 0)
)

select final.doc_type, final.source_name, final.doc_path
from public.documents as final
join trees on trees.doc_type = final.doc_type and trees.source_name = final.source_name
join public.document_files as known
    on known.doc_type = final.doc_type
    and known.source_name = final.source_name
    and known.path = final.metadata ->> 'file'
where (
        exists (
            select from decoded
            where decoded.doc_type = final.doc_type
                and decoded.source_name = final.source_name
                and decoded.path = known.path
        )
        and not exists (
            select from now
            where now.doc_type = final.doc_type
                and now.source_name = final.source_name
                and now.doc_path = final.doc_path
        )
    )
    or (
        trees.prune
        and not exists (
            select from {{ canonical('files') }} as files
            where files.doc_type = known.doc_type
                and files.source_name = known.source_name
                and files.path = known.path
        )
    )
{% else %}
select doc_type, source_name, doc_path from public.documents where false
{% endif %}
