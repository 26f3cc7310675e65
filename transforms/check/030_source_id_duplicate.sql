--! summary: An id names one source, in the run and in the target
--! on: document_sources
--! severity: reject
-- The first row keeps the id. The same id under the same key is a plain duplicate, which dedup settles.
select _row, format('id %s already names the source %s', id, taken_by) as reason
from (
    select
        sources._row,
        sources.id,
        case
            when final.id is not null
                and (final.doc_type, final.source_name) is distinct from (sources.doc_type, sources.source_name)
            then concat_ws('/', final.doc_type, final.source_name)
            else nullif(
                first_value(concat_ws('/', sources.doc_type, sources.source_name)) over same_id,
                concat_ws('/', sources.doc_type, sources.source_name)
            )
        end as taken_by
    from {{ rows }} as sources
    left join public.document_sources as final on final.id = sources.id
    where sources.id is not null
    window same_id as (partition by sources.id order by sources._row)
) as found
where taken_by is not null
