-- What is alike for every kind of documents; `store/mes/home.py` fills in table, owner and key.

-- form: page
-- A page of keys at or below a place, and of those that belong to the enterprise that holds it.
select to_jsonb(found) from (
    select {key}
    from {table} kept
    join place home on home.place_id = kept.{owner}
    {product}
    where (
        home.path = %(scope)s or starts_with(home.path, %(scope)s || '/')
        or home.path = split_part(%(scope)s, '/', 1)
    ) and {condition} and (%(after)s::jsonb is null or ({columns}) > ({after}))
    order by {order}
    offset %(skip)s limit %(limit)s
) as found

-- form: asked
-- Keys with their positions, and the places and products that they name.
jsonb_to_recordset(%(keys)s::jsonb) as asked (n integer, {key})
join place home on home.path = asked.{place}
{product}

-- form: found
-- Their rows, where there are any.
{asked} join {table} kept on {same}

-- form: withdraw
-- What was said stays in master_data_event. Breaks go with their shift; records keep the codes of
-- reasons; a product in use is refused before, as data refer to it by its id.
delete from {table} kept using {asked} where {same}
