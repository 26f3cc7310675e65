-- Says what an index was built from, so that one of another definition is known.
comment on index {{ index }} is {{ comment | literal }}
