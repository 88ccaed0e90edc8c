"""The event log only grows: the database itself refuses UPDATE, DELETE and TRUNCATE on it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION registry_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The event log is append-only: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER registry_event_append_only BEFORE UPDATE OR DELETE ON registry_event
    FOR EACH ROW EXECUTE FUNCTION registry_event_refuse_change();
CREATE TRIGGER registry_event_no_truncate BEFORE TRUNCATE ON registry_event
    FOR EACH STATEMENT EXECUTE FUNCTION registry_event_refuse_change();
"""

BACKWARD = """
DROP TRIGGER registry_event_no_truncate ON registry_event;
DROP TRIGGER registry_event_append_only ON registry_event;
DROP FUNCTION registry_event_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
