-- Scrapped parts per hour and machine; null where a part of the hour was not counted.
select
    b.hour as time,
    split_part(u.path, '/', 4) || '/' || split_part(u.path, '/', 5) as metric,
    case when bool_and(b.scrap_quantity is not null) then sum(b.scrap_quantity) end as value
from base_sum b
join place u on u.place_id = b.work_unit_id
where
    (u.path = ${place:sqlstring} or starts_with(u.path, ${place:sqlstring} || '/'))
    and b.slice_end > $__timeFrom() and b.slice_start < $__timeTo()
group by b.hour, u.path
order by b.hour, u.path
