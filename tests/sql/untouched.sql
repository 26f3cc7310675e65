-- The row versions of the documentation tables: equal as long as no row was written.
select md5(string_agg(version, ' ' order by version))
from (
    select 'd' || ctid::text || xmin::text as version
    from public.documents
    union all
    select 's' || ctid::text || xmin::text
    from public.document_sources
) as versions
