-- Whether a text can be cast to a type, asked without an error that would abort the statement. PostgreSQL 16 and later
-- have this built in (pg_input_is_valid); on 15 the cast is tried in a subtransaction, which is correct and slow.
do $do$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create or replace function sqlmig.input_is_valid(value text, type_name text) returns boolean
        language sql stable strict parallel safe
        return pg_catalog.pg_input_is_valid(value, type_name);
    else
        create or replace function sqlmig.input_is_valid(value text, type_name text) returns boolean
        language plpgsql stable strict parallel restricted as $body$
        begin
            execute pg_catalog.format('select $1::%s', type_name) using value;
            return true;
        exception when data_exception or integrity_constraint_violation then
            return false;
        end
        $body$;
    end if;
end
$do$;
