-- Whether a table of before-images holds any of another run. $1 run id
select exists (select from {{ undo }} as image where image._run_id <> $1) as has_others
