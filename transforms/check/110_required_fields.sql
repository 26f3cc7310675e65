--! summary: A document has an id, a type, a source, a path and content
--! on: documents
--! severity: reject
-- Content that is there but blank is the business of content_empty.
select _row, missing || ' is missing' as reason
from (
    select
        _row,
        concat_ws(
            ', ',
            case when id is null then 'id' end,
            case when coalesce(btrim(doc_type), '') = '' then 'doc_type' end,
            case when coalesce(btrim(source_name), '') = '' then 'source_name' end,
            case when coalesce(btrim(doc_path), '') = '' then 'doc_path' end,
            case when content is null then 'content' end
        ) as missing
    from {{ rows }} as documents
) as found
where missing <> ''
