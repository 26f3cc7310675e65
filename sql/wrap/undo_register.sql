-- What a rollback must know of a table of before-images.
insert into sqlmig.undo_table (name, target, key)
values ({{ undo_name | literal }}, {{ target_name | literal }}, array[{% for column in key %}{{ column | literal }}{% if not loop.last %}, {% endif %}{% endfor %}])
on conflict do nothing
