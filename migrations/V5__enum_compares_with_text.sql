-- Queries and functions of the doc-server still say `doc_type = $1::doc_type`. These operators let them compare the enum
-- with the column that V4 made text, so that the change needs no release of the doc-server. Not an implicit cast: that
-- would make the enum's own comparisons ambiguous wherever another table still has it. They are inlined, so that the
-- column's indexes serve them.
do $$
begin
    if exists (select from pg_type where oid = to_regtype('public.doc_type') and typtype = 'e')
       and to_regoperator('public.=(text,public.doc_type)') is null
    then
        create function public.text_equals_doc_type(text, public.doc_type) returns boolean
            language sql stable parallel safe return $1 = $2::text;
        create function public.doc_type_equals_text(public.doc_type, text) returns boolean
            language sql stable parallel safe return $1::text = $2;
        create operator public.= (
            leftarg = text, rightarg = public.doc_type, function = public.text_equals_doc_type
        );
        create operator public.= (
            leftarg = public.doc_type, rightarg = text, function = public.doc_type_equals_text
        );
    end if;
end
$$;
