-- name: tags
-- The tags of an export, in the order in which it lists them.
select t.tag_id, site.path || '/' || t.name, t.value_type
from tag t
join place site on site.place_id = t.site_id
where t.work_unit_id = any(%(units)s)
order by 2

-- name: numbers
-- Every row of one number tag, in time order straight from the index.
select
    %(tag)s::text,
    to_char(source_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(received_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    value,
    (array['good', 'uncertain', 'bad'])[quality + 1]
from measurement
where tag_id = %(tag_id)s and source_time >= %(start)s and source_time < %(end)s
order by source_time

-- name: texts
-- Every row of one text tag, in time order straight from the index. No text can be taken for a
-- formula by a spreadsheet: as `harmless` in `api.tables.file` has it.
select
    %(tag)s::text,
    to_char(source_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(received_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    regexp_replace(
        regexp_replace(value, '[\x01-\x08\x0b\x0c\x0e-\x1f]', '', 'g'),
        '\A(?=[\s"]*[=+\-@＝＋－＠]|[\t\r\n])|[;\t\r\n][\s"]*(?=[=+\-@＝＋－＠])', '\&''', 'g'
    ),
    (array['good', 'uncertain', 'bad'])[quality + 1]
from text_measurement
where tag_id = %(tag_id)s and source_time >= %(start)s and source_time < %(end)s
order by source_time

-- name: number_columns
-- The same of a number tag as numbers; no field is ever null, so that all have one width.
select
    source_time, received_time, coalesce(value, 'NaN'), quality, (value is null)::integer::smallint
from measurement
where tag_id = %(tag_id)s and source_time >= %(start)s and source_time < %(end)s
order by source_time

-- name: text_columns
-- The same of a text tag, as it is stored.
select source_time, received_time, value, quality
from text_measurement
where tag_id = %(tag_id)s and source_time >= %(start)s and source_time < %(end)s
order by source_time

-- name: count
-- How many rows an export has, counted up to a limit.
with asked as (
    select tag_id from tag where work_unit_id = any(%(units)s)
)
select count(*) from (
    (
        select 1 from measurement
        where
            tag_id = any(array(select tag_id from asked))
            and source_time >= %(start)s and source_time < %(end)s
        limit %(limit)s
    )
    union all
    (
        select 1 from text_measurement
        where
            tag_id = any(array(select tag_id from asked))
            and source_time >= %(start)s and source_time < %(end)s
        limit %(limit)s
    )
    limit %(limit)s
) found
