select md5(string_agg(line, e'\n' order by line))
from (
    select 'document ' || documents::text as line
    from public.documents
    union all
    select 'source ' || sources::text
    from public.document_sources as sources
    union all
    select 'type ' || types::text
    from public.doc_types as types
) as lines
