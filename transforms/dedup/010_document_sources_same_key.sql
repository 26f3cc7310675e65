--! summary: Of several rows for one source the newest stays
--! on: document_sources
select
    _source,
    _row,
    winner_source as _winner_source,
    winner_row as _winner_row
from (
    select
        _source,
        _row,
        row_number() over newest_first as place,
        first_value(_source) over newest_first as winner_source,
        first_value(_row) over newest_first as winner_row
    from {{ rows }} as sources
    window newest_first as (
        partition by doc_type, source_name
        order by updated_at desc nulls last, created_at desc nulls last, _row desc, _source
    )
) as ranked
where place > 1
