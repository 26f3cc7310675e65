-- A promote transform may delete rows; a rollback inserts them again, or leaves one that somebody put in their place.
alter table sqlmig.rollback_kept
drop constraint rollback_kept_operation_check,
add constraint rollback_kept_operation_check check (operation in ('insert', 'update', 'delete'));
