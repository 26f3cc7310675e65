-- The two schemas that sqlmig owns. Run before the ledger's own migrations, whose history table lives in one of them.
do $do$
begin
    if pg_catalog.to_regnamespace('sqlmig') is null then
        create schema sqlmig;
    end if;
    if pg_catalog.to_regnamespace('staging') is null then
        create schema staging;
    end if;
end
$do$;
