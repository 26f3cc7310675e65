-- In place of sqlmig.embedding_wanting in a trial: the rows of whose text the ledger has no vector. A database that has no
-- ledger yet has none of any.
do $do$
begin
    if pg_catalog.to_regclass('sqlmig.embedding') is null then
        create temporary view "sqlmig embedding_wanting" as
        select wanted.* from pg_temp."sqlmig embedding_row" as wanted;
    else
        create temporary view "sqlmig embedding_wanting" as
        select wanted.*
        from pg_temp."sqlmig embedding_row" as wanted
        where not exists (
            select
            from sqlmig.embedding as embedding
            where embedding.text_sha256 = wanted.text_sha256
                and embedding.provider = wanted.provider
                and embedding.model = wanted.model
                and embedding.dimensions = wanted.dimensions
        );
    end if;
end
$do$
