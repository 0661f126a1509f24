-- Number tags of a machine to choose from.
select
    case when t.description = '' then t.name else t.description || ' · ' || t.name end
        || case when t.unit = '' then '' else ' (' || t.unit || ')' end as __text,
    t.tag_id::text as __value
from tag t
join place_shown u on u.place_id = t.work_unit_id
where u.path = ${place:sqlstring} and t.value_type = 'number'
order by t.role = 'none' desc, t.name
