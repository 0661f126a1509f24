-- What a place is called where many stand side by side: its name, with that of the place above it
-- where another of the enterprise and level has the same, and its path where even that is not one.
-- `flow` is the order in which places are met on the way through a plant.
create view place_shown as
with recursive tree as (
    select
        place_id, path, level, name_vi, name_en, time_zone as zone, place_id as line_id,
        name_vi as way_vi, name_en as way_en, array[position, place_id] as way,
        ''::text as above_vi, ''::text as above_en
    from place
    where parent_id is null
    union all
    select
        p.place_id, p.path, p.level, p.name_vi, p.name_en, coalesce(p.time_zone, tree.zone),
        case when p.level = 'work_center' then p.place_id else tree.line_id end,
        tree.way_vi || ' › ' || p.name_vi, tree.way_en || ' › ' || p.name_en,
        tree.way || array[p.position, p.place_id], tree.name_vi, tree.name_en
    from place p
    join tree on tree.place_id = p.parent_id
),
counted as (
    select
        tree.*,
        split_part(path, '/', 1) as enterprise,
        count(*) over (partition by split_part(path, '/', 1), level, name_vi) as alike_vi,
        count(*) over (partition by split_part(path, '/', 1), level, name_en) as alike_en,
        count(*) over (partition by split_part(path, '/', 1), level, name_vi, above_vi) as twins_vi,
        count(*) over (partition by split_part(path, '/', 1), level, name_en, above_en) as twins_en
    from tree
)
select
    place_id, path, level, line_id, coalesce(zone, 'UTC') as zone, way_vi, way_en,
    case when alike_vi = 1 then name_vi when twins_vi = 1 then above_vi || ' · ' || name_vi else path end
        as shown_vi,
    case when alike_en = 1 then name_en when twins_en = 1 then above_en || ' · ' || name_en else path end
        as shown_en,
    row_number() over (order by way)::integer as flow
from counted;
