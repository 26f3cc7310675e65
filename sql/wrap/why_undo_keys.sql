-- The keys of rows that runs wrote or deleted. $1 the key as one text or null, $2 the key's values or null
select distinct found.key_values
from (
    select
        pg_catalog.concat_ws('/', {{ key | idents('image') }}) as key,
        array[{% for column in key %}image.{{ column | ident }}::text{% if not loop.last %}, {% endif %}{% endfor %}] as key_values
    from {{ undo }} as image
) as found
where ($1::text is null or found.key = $1::text)
    and ($2::text[] is null or found.key_values = $2::text[])
order by found.key_values
limit 20
