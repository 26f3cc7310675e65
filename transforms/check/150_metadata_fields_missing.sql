--! summary: The metadata of a document has the fields that its type needs (doc_types.required_metadata)
--! on: documents
--! severity: reject
-- A field that is null counts as missing.
select _row, format('metadata of a %s document lacks %s', doc_type, missing) as reason
from (
    select
        documents._row,
        documents.doc_type,
        (
            select string_agg(field, ', ' order by field)
            from unnest(types.required_metadata) as field
            where documents.metadata ->> field is null
        ) as missing
    from {{ rows }} as documents
    join public.doc_types as types on types.doc_type = documents.doc_type
    where jsonb_typeof(documents.metadata) = 'object'
) as found
where missing is not null
