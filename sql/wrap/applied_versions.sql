-- Versions in one of refinery's history tables
select version
from {{ history }}
