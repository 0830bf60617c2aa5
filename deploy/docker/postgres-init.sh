#!/bin/sh
# Runs once, when the volume is empty: a database, an owner and an unprivileged login for each service.
set -eu
for service in intake router escalation metrics; do
    psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
        --set service="$service" --set password="$WAYPOST_DATABASE_PASSWORD" <<'SQL'
SELECT 'waypost_' || :'service' AS login, 'waypost_' || :'service' || '_owner' AS owner \gset
CREATE ROLE :"owner" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE ROLE :"login" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE :"login" OWNER :"owner";
REVOKE ALL ON DATABASE :"login" FROM public;
GRANT CONNECT ON DATABASE :"login" TO :"login";
\connect :"login"
SET ROLE :"owner";
GRANT USAGE ON SCHEMA public TO :"login";
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"login";
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO :"login";
SQL
done
