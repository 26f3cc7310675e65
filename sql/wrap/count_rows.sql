select pg_catalog.count(*) as rows
from {{ table }}
