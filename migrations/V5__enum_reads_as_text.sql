-- Queries and functions of the doc-server still say `doc_type = $1::doc_type`. An implicit cast lets them compare the
-- enum with the text column, so that the conversion of V4 needs no release of the doc-server.
do $$
begin
    if exists (select from pg_type where oid = to_regtype('public.doc_type') and typtype = 'e')
       and not exists (
           select from pg_cast
           where castsource = to_regtype('public.doc_type') and casttarget = 'text'::regtype
       )
    then
        create cast (public.doc_type as text) with inout as implicit;
    end if;
end
$$;
