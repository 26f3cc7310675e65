-- A role that may take back what was promoted to the documentation tables, and nothing else: as docs/rollback.md has it.
create role sqlmig_rollback login;
grant usage on schema sqlmig, public to sqlmig_rollback;
grant select on all tables in schema sqlmig to sqlmig_rollback;
grant insert on sqlmig.event, sqlmig.rollback_kept to sqlmig_rollback;
grant delete on sqlmig.rollback_kept to sqlmig_rollback;
grant update, delete on sqlmig.batch to sqlmig_rollback;
grant update on sqlmig.run to sqlmig_rollback;
grant select, update, delete on public.documents, public.document_sources to sqlmig_rollback;
do $$
declare
    undo text;
begin
    for undo in select name from sqlmig.undo_table loop
        execute 'grant update, delete on ' || undo || ' to sqlmig_rollback';
    end loop;
end
$$
