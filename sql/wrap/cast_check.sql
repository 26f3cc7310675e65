-- Rows of a staging table with a value that a normalise transform could not cast to the type it asks for.
select found._row, found.reason
from (
    select
        _row,
        pg_catalog.concat_ws('; '
            {%- for cast in casts %},
            case
                when {{ cast.column | ident }} is not null
                    and not sqlmig.input_is_valid({{ cast.column | ident }}, {{ cast.type_name | literal }})
                then pg_catalog.format('%s is not a valid %s: %L', {{ cast.column | literal }}, {{ cast.type_name | literal }}, pg_catalog.left({{ cast.column | ident }}, 100))
            end
            {%- endfor %}
        ) as reason
    from {{ staged }} as staged
) as found
where found.reason <> ''
