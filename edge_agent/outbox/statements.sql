-- name: create_meta
-- One row per fact about the outbox itself.
create table meta (key text primary key, value any, sum integer) without rowid, strict;

-- name: create_tag
-- Tag names, and the newest row of each.
create table tag (
    tag_id integer primary key,
    name text not null unique,
    time_us integer,
    value any,
    quality integer,
    sum integer
) strict;

-- name: create_row
-- Measurements in the order they were taken. Booleans are one-byte blobs; taken_s is how
-- many seconds the outbox had been at work, sum a checksum of all the rest (see stored_row.py); null
-- in rows of a file that was older.
create table row (
    id integer primary key,
    tag_id integer not null,
    time_us integer not null,
    value any,
    quality integer not null,
    taken_s integer not null,
    sum integer
) strict;

-- name: create_cursor
-- How far each replayed source has been read.
create table cursor (
    source text primary key, position text not null, sum integer
) without rowid, strict;

-- name: sum_meta
alter table meta add column sum integer;

-- name: sum_tag
alter table tag add column sum integer;

-- name: sum_row
alter table row add column sum integer;

-- name: sum_cursor
alter table cursor add column sum integer;

-- name: read_meta
select key, value, sum from meta;

-- name: write_meta
insert into meta (key, value, sum) values (?, ?, ?)
on conflict (key) do update set value = excluded.value, sum = excluded.sum;

-- name: read_tags
select tag_id, name, time_us, value, quality, sum from tag;

-- name: add_tag
insert into tag (tag_id, name, time_us, value, quality, sum) values (?, ?, ?, ?, ?, ?);

-- name: note_newest
update tag set time_us = ?1, value = ?2, quality = ?3, sum = ?5
where tag_id = ?4 and (time_us is null or time_us <= ?1 or time_us > ?6);

-- name: add_row
insert into row (id, tag_id, time_us, value, quality, taken_s, sum) values (?, ?, ?, ?, ?, ?, ?);

-- name: read_rows
select id, tag_id, time_us, value, quality, sum from row where id > ? order by id limit ?;

-- name: read_times
select id, tag_id, time_us, value, quality, sum from row where id > ? order by id;

-- name: first_row
select time_us, taken_s from row where id > ? order by id limit 1;

-- name: lowest_id
select coalesce(min(id), 0) from row;

-- name: highest_id
select coalesce(max(id), 0) from row;

-- name: sum_of_tag
update tag set sum = ? where tag_id = ?;

-- name: first_fresh_id
-- The first pending row taken at or after an age of the outbox.
select id from row where id > ? and taken_s >= ? order by id limit 1;

-- name: delete_rows
delete from row where id <= ?;

-- name: delete_between
delete from row where id between ? and ?;

-- name: refresh_rows
-- The age at which rows of some ids were taken.
update row set taken_s = ? where id > ? and id <= ?;

-- name: read_block
select id, tag_id from row where id >= ? and id < ? order by id limit ?;

-- name: delete_row
delete from row where id = ?;

-- name: move_row
-- The checksum contains the id: a signed number of 32 bits that turns over.
update row set id = ?1, sum = ((sum + ?1 - id + 2147483648) & 4294967295) - 2147483648
where id = ?2;

-- name: shift_rows
update row set id = id - ?1, sum = ((sum - ?1 + 2147483648) & 4294967295) - 2147483648;

-- name: write_cursor
insert into cursor (source, position, sum) values (?, ?, ?)
on conflict (source) do update set position = excluded.position, sum = excluded.sum;

-- name: read_cursors
select source, position, sum from cursor;

-- name: salvage_row
-- A row found twice with different content is neither.
insert into row (id, tag_id, time_us, value, quality, taken_s, sum) values (?, ?, ?, ?, ?, ?, ?)
on conflict (id) do update set sum = case
    when (row.tag_id, row.time_us, row.value, row.quality)
        is (excluded.tag_id, excluded.time_us, excluded.value, excluded.quality)
    then row.sum
end, taken_s = case
    when (row.tag_id, row.time_us, row.value, row.quality)
        is (excluded.tag_id, excluded.time_us, excluded.value, excluded.quality)
    then row.taken_s
    else -1
end;

-- name: salvage_missing_row
insert into row (id, tag_id, time_us, value, quality, taken_s, sum) values (?, ?, ?, ?, ?, ?, ?)
on conflict (id) do nothing;

-- name: delete_doubtful
delete from row
where taken_s < 0 or (sum is null and id > ?) or tag_id not in (select tag_id from tag);

-- name: strange_tags
select distinct tag_id from row;

-- name: read_ids
select id from row where id > ? order by id;
