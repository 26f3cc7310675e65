--! summary: A source has an id, a type and a name
--! on: document_sources
--! severity: reject
select _row, missing || ' is missing' as reason
from (
    select
        _row,
        concat_ws(
            ', ',
            case when id is null then 'id' end,
            case when coalesce(btrim(doc_type), '') = '' then 'doc_type' end,
            case when coalesce(btrim(source_name), '') = '' then 'source_name' end
        ) as missing
    from {{ rows }} as sources
) as found
where missing <> ''
