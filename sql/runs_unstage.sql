-- Staging was emptied on purpose: an unfinished run begins again with staging, and with the checks, whose own tables were
-- emptied too. Whoever conducts it stops.
update sqlmig.run
set state = 'staging', epoch = epoch + 1
where state in ('staged', 'checked', 'promoted')
