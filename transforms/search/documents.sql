--! summary: The documents whose embedding is nearest
--! on: public.documents
--! vector: embedding
--! text: content
-- $1 the vector of what is searched for, $2 how many
select
    concat_ws('/', doc_type, source_name, doc_path) as row,
    embedding::halfvec({{ vars.dimensions }}) <=> $1::real[]::halfvec({{ vars.dimensions }}) as distance,
    left(content, 300) as text
from public.documents
where embedding is not null
order by embedding::halfvec({{ vars.dimensions }}) <=> $1::real[]::halfvec({{ vars.dimensions }})
limit $2::bigint
