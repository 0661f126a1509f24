-- name: newest_number
-- Of number tags, from a moment on at which each of them has a row.
select distinct on (m.tag_id) m.tag_id, m.source_time, m.received_time, to_jsonb(m.value), m.quality
from measurement m
where m.tag_id = any(%(tags)s) and m.source_time >= %(since)s
order by m.tag_id, m.source_time desc, m.received_time desc

-- name: newest_text
-- The same of text tags.
select distinct on (m.tag_id) m.tag_id, m.source_time, m.received_time, to_jsonb(m.value), m.quality
from text_measurement m
where m.tag_id = any(%(tags)s) and m.source_time >= %(since)s
order by m.tag_id, m.source_time desc, m.received_time desc

-- name: newest_of_all
-- Whenever it was.
select
    l.tag_id, l.source_time, l.received_time, coalesce(to_jsonb(l.value), to_jsonb(l.text_value)), l.quality
from measurement_latest l
where l.tag_id = any(%(tags)s)
