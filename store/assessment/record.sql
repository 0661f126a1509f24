-- name: programmes
-- Programmes, the newest first.
select programme_id, code, name_vi, year, framework from pilot_programme
order by year desc, programme_id desc

-- name: add_programme
-- A new programme.
insert into pilot_programme (code, name_vi, year, framework, made_by, made_at)
values (%(code)s, %(name_vi)s, %(year)s, %(framework)s, %(who)s, %(at)s)
returning programme_id

-- name: enterprises
-- Enterprises of a programme that whoever asks may see.
select programme_id, enterprise, name_vi, tax_code, sector, size, commune, joined_at
from pilot_enterprise where programme_id = %(programme_id)s order by joined_at, enterprise

-- name: add_enterprise
-- An enterprise of a programme.
insert into pilot_enterprise
(programme_id, enterprise, name_vi, tax_code, sector, size, commune, joined_at)
values (%(programme_id)s, %(enterprise)s, %(name_vi)s, %(tax_code)s, %(sector)s, %(size)s,
%(commune)s, %(at)s)

-- name: lock_programme
-- One change at a time.
select pg_advisory_xact_lock(7461014, %(programme_id)s)

-- part: record_columns
record_id, programme_id, enterprise, kind, period, version, supersedes, status, content, sha256,
made_by, made_at, changed_at

-- name: records
-- Records by what they are about, the newest version of each last.
select {record_columns} from pilot_record
where programme_id = %(programme_id)s
and (%(enterprise)s::text is null or enterprise = %(enterprise)s)
and (%(kind)s::text is null or kind = %(kind)s)
order by enterprise nulls first, kind, period, version

-- name: record
-- One record.
select {record_columns} from pilot_record where record_id = %(record_id)s

-- name: lock_record
-- One record, which nobody else changes meanwhile.
select {record_columns} from pilot_record where record_id = %(record_id)s for update

-- name: add_record
-- A first or further version.
insert into pilot_record (programme_id, enterprise, kind, period, version, supersedes, status, content,
sha256, made_by, made_at, changed_at)
select %(programme_id)s, %(enterprise)s, %(kind)s, %(period)s,
1 + coalesce(max(version), 0), %(supersedes)s, 'draft', %(content)s, %(sha256)s, %(who)s, %(at)s, %(at)s
from pilot_record
where programme_id = %(programme_id)s and enterprise is not distinct from %(enterprise)s
and kind = %(kind)s and period = %(period)s
returning record_id

-- name: write_record
-- What a record says now.
update pilot_record set content = %(content)s, sha256 = %(sha256)s, changed_at = %(at)s
where record_id = %(record_id)s

-- name: move_record
-- How far a record is.
update pilot_record set status = %(status)s, changed_at = %(at)s where record_id = %(record_id)s

-- name: steps
-- The way of a record.
select record_id, position, from_status, to_status, who, office, at, comment, sha256, hash
from pilot_step where record_id = %(record_id)s order by position

-- name: add_step
-- A step further.
insert into pilot_step (record_id, position, enterprise, from_status, to_status, who, office, at,
comment, sha256, hash)
values (%(record_id)s, %(position)s, %(enterprise)s, %(from_status)s, %(to_status)s, %(who)s,
%(office)s, %(at)s, %(comment)s, %(sha256)s, %(hash)s)

-- name: evidence
-- Figures of a record.
select metric_code, content, sha256 from pilot_evidence where record_id = %(record_id)s
order by metric_code

-- name: evidence_inputs
-- What figures were computed from.
select metric_code, content from pilot_evidence_input where record_id = %(record_id)s
order by metric_code

-- name: drop_evidence
-- Before it is made again.
delete from pilot_evidence where record_id = %(record_id)s

-- name: drop_evidence_inputs
-- Before they are taken again.
delete from pilot_evidence_input where record_id = %(record_id)s

-- name: add_evidence
-- A figure.
insert into pilot_evidence (record_id, enterprise, metric_code, content, sha256)
values (%(record_id)s, %(enterprise)s, %(metric_code)s, %(content)s, %(sha256)s)

-- name: add_evidence_input
-- What a figure was computed from.
insert into pilot_evidence_input (record_id, enterprise, metric_code, content)
values (%(record_id)s, %(enterprise)s, %(metric_code)s, %(content)s)

-- name: machines
-- Machines of a register.
select code, name_vi, department, maker, model, made_in, work_unit from pilot_machine
where record_id = %(record_id)s order by department, code

-- name: drop_machines
-- Before they are written again.
delete from pilot_machine where record_id = %(record_id)s

-- name: add_machine
-- A machine of a register.
insert into pilot_machine (record_id, enterprise, code, name_vi, department, maker, model, made_in,
work_unit)
values (%(record_id)s, %(enterprise)s, %(code)s, %(name_vi)s, %(department)s, %(maker)s, %(model)s,
%(made_in)s, %(work_unit)s)

-- name: attachments
-- Files of a record, without their content.
select attachment_id, record_id, name, media_type, sha256, added_by, added_at, length(content) as size
from pilot_attachment where record_id = %(record_id)s order by attachment_id

-- name: attachment
-- The content of a file.
select name, media_type, content, sha256 from pilot_attachment where attachment_id = %(attachment_id)s

-- name: add_attachment
-- A file of a record.
insert into pilot_attachment (record_id, enterprise, name, media_type, content, sha256, added_by,
added_at)
values (%(record_id)s, %(enterprise)s, %(name)s, %(media_type)s, %(content)s, %(sha256)s, %(who)s,
%(at)s)
returning attachment_id

-- name: consents
-- What was allowed, the newest last.
select consent_id, programme_id, enterprise, dataset, receiver, detail, valid_from, valid_to, given_by,
given_at, withdrawn_by, withdrawn_at
from pilot_consent where programme_id = %(programme_id)s
and (%(enterprise)s::text is null or enterprise = %(enterprise)s) order by consent_id

-- name: add_consent
-- What an enterprise allows.
insert into pilot_consent (programme_id, enterprise, dataset, receiver, detail, valid_from, valid_to,
given_by, given_at)
values (%(programme_id)s, %(enterprise)s, %(dataset)s, %(receiver)s, %(detail)s, %(valid_from)s,
%(valid_to)s, %(who)s, %(at)s)
returning consent_id

-- name: withdraw_consent
-- Its end.
update pilot_consent set withdrawn_by = %(who)s, withdrawn_at = %(at)s
where consent_id = %(consent_id)s and enterprise = %(enterprise)s and withdrawn_at is null

-- part: release_columns
release_id, programme_id, dataset, row_key, content, sha256, contributors, released_by, released_at,
withdrawn

-- name: lock_releases
-- One at a time, so that numbers are seen in their order.
select pg_advisory_xact_lock(7461015)

-- name: releases
-- What was released, all of it or what holds at a moment.
select {release_columns} from pilot_release
where (%(dataset)s::text is null or dataset = %(dataset)s)
and release_id > %(after)s and released_at <= %(as_of)s
order by release_id limit %(most)s

-- name: add_release
-- A row for those who pull.
insert into pilot_release (programme_id, dataset, row_key, content, sha256, contributors, released_by,
released_at, withdrawn)
values (%(programme_id)s, %(dataset)s, %(row_key)s, %(content)s, %(sha256)s, %(contributors)s, %(who)s,
%(at)s, %(withdrawn)s)
returning release_id

-- name: add_pull
-- Who was given what.
insert into pilot_pull (at, consumer, dataset, way, rows_given, first_release, last_release,
correlation, enterprises)
values (%(at)s, %(consumer)s, %(dataset)s, %(way)s, %(rows_given)s, %(first_release)s,
%(last_release)s, %(correlation)s, %(enterprises)s)

-- name: pulls
-- Who was given what, the newest first.
select pull_id, at, consumer, dataset, way, rows_given, first_release, last_release, correlation
from pilot_pull order by pull_id desc limit %(most)s

-- name: frameworks
-- Criteria sets that were imported.
select edition, document, sha256, added_by, added_at from criteria_framework order by added_at

-- name: add_framework
-- An imported criteria set.
insert into criteria_framework (edition, document, sha256, added_by, added_at)
values (%(edition)s, %(document)s, %(sha256)s, %(who)s, %(at)s)
