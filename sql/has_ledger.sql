-- Whether this database has a ledger of sqlmig
select pg_catalog.to_regclass('sqlmig.run') is not null as has_ledger
