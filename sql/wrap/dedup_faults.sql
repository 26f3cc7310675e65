-- What is wrong with the result of a duplicate rule: a row that is merged into itself, twice, or into one that is merged
-- itself or is not there, would be lost.
select fault.reason, fault._source as source, fault._row as row
from (
    select 'is merged into itself' as reason, _source, _row
    from {{ result }}
    where _source = _winner_source and _row = _winner_row
    union all
    select 'is merged twice', _source, _row
    from {{ result }}
    group by _source, _row
    having pg_catalog.count(*) > 1
    union all
    select 'is merged into a row that is merged itself', loser._source, loser._row
    from {{ result }} as loser
    join {{ result }} as winner on winner._source = loser._winner_source and winner._row = loser._winner_row
    union all
    select 'names no row, or no winner', _source, _row
    from {{ result }}
    where _source is null or _row is null or _winner_source is null or _winner_row is null
    union all
    select 'is not there', loser._source, loser._row
    from {{ result }} as loser
    where not exists (
        select from {{ rows }} as known where known._source = loser._source and known._row = loser._row
    )
    union all
    select 'is merged into a row that is not there', loser._source, loser._row
    from {{ result }} as loser
    where not exists (
        select from {{ rows }} as known where known._source = loser._winner_source and known._row = loser._winner_row
    )
) as fault
limit 1
