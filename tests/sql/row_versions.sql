-- Which version of each row of the documentation tables is there, as an MD5: an update makes another, even one to the
-- same values.
select md5(string_agg(line, e'\n' order by line))
from (
    select concat_ws(' ', tableoid::regclass, ctid, xmin) as line
    from public.documents
    union all
    select concat_ws(' ', tableoid::regclass, ctid, xmin)
    from public.document_sources
    union all
    select concat_ws(' ', tableoid::regclass, ctid, xmin)
    from public.document_files
    union all
    select concat_ws(' ', tableoid::regclass, ctid, xmin)
    from public.doc_types
) as lines
