-- Sites, lines and machines to choose from, each named by the way to it.
with recursive tree as (
    select place_id, path, level, name_vi as name, array[position, place_id] as sort_key
    from place
    where parent_id is null
    union all
    select
        p.place_id, p.path, p.level, tree.name || ' › ' || p.name_vi,
        tree.sort_key || array[p.position, p.place_id]
    from place p
    join tree on tree.place_id = p.parent_id
)
select name as __text, path as __value
from tree
where level in ('site', 'work_center', 'work_unit')
order by sort_key
