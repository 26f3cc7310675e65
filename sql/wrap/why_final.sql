-- Rows of a final table now, each value as text. $1 the key as one text or null, $2 the key's values or null
select found.key, found.key_values, found.xmin::text::bigint as xmin, found.column_values
from (
    select
        pg_catalog.concat_ws('/', {{ key | idents('target') }}) as key,
        array[{% for column in key %}target.{{ column | ident }}::text{% if not loop.last %}, {% endif %}{% endfor %}] as key_values,
        target.xmin,
        array[{% for column in columns %}target.{{ column | ident }}::text{% if not loop.last %}, {% endif %}{% endfor %}] as column_values
    from {{ target }} as target
) as found
where ($1::text is null or found.key = $1::text)
    and ($2::text[] is null or found.key_values = $2::text[])
order by found.key
limit 20
