-- Which rows of a source table go to which key of a final table: each row by itself through the author's normalise and promote
-- SELECTs. $1 row or null, $2 the key as one text or null, $3 the key's values or null
select traced.row, traced.key, traced.key_values
from (
    select
        _traced._row::bigint as row,
        pg_catalog.concat_ws('/', {{ key | idents('_promoted') }}) as key,
        array[{% for column in key %}_promoted.{{ column | ident }}::text{% if not loop.last %}, {% endif %}{% endfor %}] as key_values
    from ({{ canonical }}) as _traced
    cross join lateral (
{{ select }}) as _promoted
    where $1::bigint is null or _traced._row = $1::bigint
) as traced
where ($2::text is null or traced.key = $2::text)
    and ($3::text[] is null or traced.key_values = $3::text[])
order by traced.row
limit 20
