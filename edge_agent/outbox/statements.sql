-- name: create_meta
-- One row per fact about the outbox itself.
create table meta (key text primary key, value any) without rowid, strict;

-- name: create_tag
-- Tag names, and the newest row of each.
create table tag (
    tag_id integer primary key,
    name text not null unique,
    time_us integer,
    value any,
    quality integer
) strict;

-- name: create_row
-- Measurements in the order they were taken. Booleans are one-byte blobs; taken_s is how
-- many seconds the outbox had been at work.
create table row (
    id integer primary key,
    tag_id integer not null,
    time_us integer not null,
    value any,
    quality integer not null,
    taken_s integer not null
) strict;

-- name: create_cursor
-- How far each replayed source has been read.
create table cursor (source text primary key, position text not null) without rowid, strict;

-- name: read_meta
select key, value from meta;

-- name: write_meta
insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value;

-- name: read_tags
select tag_id, name from tag;

-- name: add_tag
insert into tag (tag_id, name) values (?, ?);

-- name: note_newest
update tag set time_us = ?1, value = ?2, quality = ?3
where tag_id = ?4 and (time_us is null or time_us <= ?1);

-- name: read_newest
select name, time_us, value, quality from tag where time_us is not null;

-- name: add_row
insert into row (id, tag_id, time_us, value, quality, taken_s) values (?, ?, ?, ?, ?, ?);

-- name: read_rows
select id, tag_id, time_us, value, quality from row where id > ? order by id limit ?;

-- name: read_times
select tag_id, time_us from row where id > ? order by id;

-- name: first_row
select time_us, taken_s from row where id > ? order by id limit 1;

-- name: lowest_id
select coalesce(min(id), 0) from row;

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
update row set id = ? where id = ?;

-- name: shift_rows
update row set id = id - ?;

-- name: write_cursor
insert into cursor (source, position) values (?, ?)
on conflict (source) do update set position = excluded.position;

-- name: read_cursors
select source, position from cursor;
