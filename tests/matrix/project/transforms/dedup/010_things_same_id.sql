--! summary: Of several things with one id the last one stays and takes the note that it lacks
--! on: things
--! merge: note
select
    loser._source,
    loser._row,
    winner._source as _winner_source,
    winner._row as _winner_row,
    case when winner.note is null then loser.note end as note
from (
    select
        _source,
        _row,
        id,
        note,
        max(_row) over (partition by id) as last_row
    from {{ rows }} as things
) as loser
join {{ rows }} as winner on winner.id = loser.id and winner._row = loser.last_row
where loser._row < loser.last_row
