--! summary: Of several rows for one document the newest stays and takes what it lacks from the others
--! on: documents
--! merge: embedding, embedding_sha256, embedding_model, token_count, metadata
-- An embedding and a token count are taken from a row with the same content where there is one, then from the newest
-- that has them. Metadata keys that the winner lacks are added, those it has stay. Only rows that have a duplicate are
-- joined back, so the vectors of all others are left alone.
with ranked as (
    select
        _source,
        _row,
        row_number() over newest_first as place,
        first_value(_source) over newest_first as winner_source,
        first_value(_row) over newest_first as winner_row
    from {{ rows }} as documents
    window newest_first as (
        partition by doc_type, source_name, doc_path
        order by updated_at desc nulls last, created_at desc nulls last, _row desc, _source
    )
),

losers as (
    select
        ranked.winner_source,
        ranked.winner_row,
        ranked.place,
        loser._source,
        loser._row,
        loser.embedding,
        loser.embedding_sha256,
        loser.embedding_model,
        loser.token_count,
        loser.metadata,
        loser.content_sha256 = winner.content_sha256 as same_content,
        winner.embedding is null as winner_lacks_embedding,
        winner.token_count is null as winner_lacks_token_count,
        winner.metadata as winner_metadata
    from ranked
    join {{ rows }} as loser on loser._source = ranked._source and loser._row = ranked._row
    join {{ rows }} as winner on winner._source = ranked.winner_source and winner._row = ranked.winner_row
    where ranked.place > 1
),

embedding_givers as (
    select distinct on (winner_source, winner_row)
        winner_source, winner_row, embedding, embedding_sha256, embedding_model
    from losers
    where winner_lacks_embedding and embedding is not null
    order by winner_source, winner_row, same_content desc nulls last, place
),

token_count_givers as (
    select distinct on (winner_source, winner_row) winner_source, winner_row, token_count
    from losers
    where winner_lacks_token_count and token_count is not null
    order by winner_source, winner_row, same_content desc nulls last, place
),

metadata_givers as (
    select winner_source, winner_row, jsonb_object_agg(field.key, field.value order by place desc) as metadata
    from losers
    cross join jsonb_each(case when jsonb_typeof(metadata) = 'object' then metadata end) as field
    where not coalesce(winner_metadata ? field.key, false)
    group by winner_source, winner_row
)

select
    losers._source,
    losers._row,
    losers.winner_source as _winner_source,
    losers.winner_row as _winner_row,
    embedding_givers.embedding,
    embedding_givers.embedding_sha256,
    embedding_givers.embedding_model,
    token_count_givers.token_count,
    metadata_givers.metadata || coalesce(losers.winner_metadata, '{}') as metadata
from losers
left join embedding_givers using (winner_source, winner_row)
left join token_count_givers using (winner_source, winner_row)
left join metadata_givers using (winner_source, winner_row)
