-- The newest measurement of each tag. A view of its own, so that the order of the index is inside of it:
-- through the barrier of a login's view (store/access/tenant.py) nobody reads backwards, and the newest
-- row would be looked for among all rows of a tag.
create view measurement_latest as
select
    tag.tag_id, tag.work_unit_id, last.source_time, last.received_time, last.value, last.text_value,
    last.quality
from tag
cross join lateral (
    (
        select m.source_time, m.received_time, m.value, null::text as text_value, m.quality
        from measurement m
        where m.tag_id = tag.tag_id and tag.value_type = 'number'
        order by m.source_time desc, m.received_time desc
        limit 1
    )
    union all
    (
        select m.source_time, m.received_time, null, m.value, m.quality
        from text_measurement m
        where m.tag_id = tag.tag_id and tag.value_type = 'text'
        order by m.source_time desc, m.received_time desc
        limit 1
    )
) last;
