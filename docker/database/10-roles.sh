#!/bin/sh
# Runs once, when the database is made: who may do what.
#   nhipmay            owns the database and makes its tables: migrate, and nothing else
#   nhipmay_ingest     adds what arrives: ingest
#   nhipmay_analytics  writes figures: analytics
#   nhipmay_reader     reads every table, writes nothing: api, Grafana
#   nhipmay_writer     writes master data, reasons of stops and identities, nothing else: api,
#                      administration
# None is a superuser, and all but the first own nothing. What they may write is granted by
# `nhipmay migrate`, table by table.
# Passwords come from secret files.
set -eu
secrets=${NHIPMAY_SECRETS:-/run/secrets}

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\\set database $POSTGRES_DB
\\set owner_password \`cat "$secrets/database-nhipmay"\`
\\set ingest_password \`cat "$secrets/database-ingest"\`
\\set analytics_password \`cat "$secrets/database-analytics"\`
\\set reader_password \`cat "$secrets/database-reader"\`
\\set writer_password \`cat "$secrets/database-writer"\`

create role nhipmay login password :'owner_password';
create role nhipmay_ingest login password :'ingest_password' connection limit 20;
create role nhipmay_analytics login password :'analytics_password' connection limit 20;
create role nhipmay_reader login password :'reader_password' connection limit 20;
create role nhipmay_writer login password :'writer_password' connection limit 20;

-- It makes a login for each enterprise.
alter role nhipmay createrole;
-- And bounds what each of them may put on the disk, which no login can lift.
grant set on parameter temp_file_limit to nhipmay;
alter database :"database" owner to nhipmay;
-- Nobody connects, or makes temporary tables, who was not told so here.
revoke all on database :"database" from public;
grant connect on database :"database"
to nhipmay_ingest, nhipmay_analytics, nhipmay_reader, nhipmay_writer;
-- A long import keeps its keys in a temporary table, a proof of figures those of before.
grant temporary on database :"database" to nhipmay_ingest, nhipmay_analytics, nhipmay_writer;

-- A dashboard's query may be anything that a viewer writes.
alter role nhipmay_reader set default_transaction_read_only = on;
alter role nhipmay_reader set statement_timeout = '30s';
alter role nhipmay_reader set idle_in_transaction_session_timeout = '60s';

alter role nhipmay_ingest set idle_in_transaction_session_timeout = '10min';
alter role nhipmay_analytics set idle_in_transaction_session_timeout = '1h';
alter role nhipmay_writer set idle_in_transaction_session_timeout = '10min';

alter default privileges for role nhipmay grant select on tables to nhipmay_reader;
SQL

# From outside this machine nobody is let in without TLS.
sed -i 's/^host  *all  *all  *all /hostssl all all all /' "$PGDATA/pg_hba.conf"
