-- Why an hour is out of date, where whoever marks it knows better than that data came: a figure
-- that changes in consequence says so.

alter table dirty_window add column cause text;

create index oee_restatement_place on oee_restatement (place_id, window_start);

create index oee_restatement_time on oee_restatement (restated_at);
