-- Builds an index beside those who read and write. What follows the table is the project's own.
create index concurrently {{ name }} on {{ table }}
{{ body }}
