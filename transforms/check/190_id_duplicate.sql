--! summary: An id names one document, in the run and in the target
--! on: documents
--! severity: reject
-- The first row keeps the id. The same id under the same key is a plain duplicate, which dedup settles.
select _row, format('id %s already names the document %s', id, taken_by) as reason
from (
    select
        documents._row,
        documents.id,
        case
            when final.id is not null
                and (final.doc_type, final.source_name, final.doc_path)
                    is distinct from (documents.doc_type, documents.source_name, documents.doc_path)
            then concat_ws('/', final.doc_type, final.source_name, final.doc_path)
            else nullif(
                first_value(concat_ws('/', documents.doc_type, documents.source_name, documents.doc_path)) over same_id,
                concat_ws('/', documents.doc_type, documents.source_name, documents.doc_path)
            )
        end as taken_by
    from {{ rows }} as documents
    left join public.documents as final on final.id = documents.id
    where documents.id is not null
    window same_id as (partition by documents.id order by documents._row)
) as found
where taken_by is not null
