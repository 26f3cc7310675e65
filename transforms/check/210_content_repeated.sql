--! summary: No two documents have the same content
--! on: documents
--! severity: warn
-- Every document but the first with that content is named; rows with the same key are duplicates, which dedup settles.
select _row, format('same content as %s', first_path) as reason
from (
    select
        _row,
        concat_ws('/', doc_type, source_name, doc_path) as path,
        first_value(concat_ws('/', doc_type, source_name, doc_path)) over same_content as first_path
    from {{ rows }} as documents
    where content_sha256 is not null and content ~ '[^[:space:]]'
    window same_content as (partition by content_sha256 order by _row)
) as found
where path <> first_path
