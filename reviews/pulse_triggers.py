"""The triggers behind the pulse (models/pulses.py): set after every migrate, for SQLite loses them.

There a migration that changes a table builds it anew, without its triggers, and stumbles over those that
name it; so they are taken away before and set again after.
"""

from typing import Any

from django.db import connections

# Statement-level on PostgreSQL: one row a topic however many cases a statement touches.
POSTGRES = """
CREATE OR REPLACE FUNCTION reviews_pulse_of_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reviews_pulse (shop_id, beats) SELECT DISTINCT shop_id, 1 FROM changed;
    INSERT INTO reviews_pulse (holder_id, beats)
        SELECT DISTINCT assignee_id, 1 FROM changed WHERE assignee_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION reviews_pulse_of_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reviews_pulse (shop_id, beats) SELECT DISTINCT shop_id, 1 FROM changed;
    INSERT INTO reviews_pulse (holder_id, beats)
        SELECT assignee_id, 1 FROM changed WHERE assignee_id IS NOT NULL
        UNION SELECT assignee_id, 1 FROM before WHERE assignee_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION reviews_pulse_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reviews_pulse (shop_id, beats)
        SELECT DISTINCT c.shop_id, 1 FROM changed e JOIN reviews_case c ON c.id = e.case_id;
    INSERT INTO reviews_pulse (holder_id, beats)
        SELECT DISTINCT c.assignee_id, 1 FROM changed e JOIN reviews_case c ON c.id = e.case_id
        WHERE c.assignee_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER pulse_case_opened AFTER INSERT ON reviews_case REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_pulse_of_cases();
CREATE OR REPLACE TRIGGER pulse_case_moved AFTER UPDATE ON reviews_case
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_pulse_of_moves();
CREATE OR REPLACE TRIGGER pulse_case_gone AFTER DELETE ON reviews_case REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_pulse_of_cases();
CREATE OR REPLACE TRIGGER pulse_case_event AFTER INSERT ON reviews_caseevent REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_pulse_of_events();
"""

# Row-level on SQLite, which has no others; its writers take turns anyway.
_SHOP = "INSERT INTO reviews_pulse (shop_id, beats) VALUES ({row}.shop_id, 1);"
_HOLDER = (
    "INSERT INTO reviews_pulse (holder_id, beats) "
    "SELECT {row}.assignee_id, 1 WHERE {row}.assignee_id IS NOT NULL;"
)
_OF_EVENT = (
    "INSERT INTO reviews_pulse (shop_id, beats) SELECT shop_id, 1 FROM reviews_case WHERE id = NEW.case_id;"
    "INSERT INTO reviews_pulse (holder_id, beats) SELECT assignee_id, 1 FROM reviews_case"
    " WHERE id = NEW.case_id AND assignee_id IS NOT NULL;"
)
SQLITE = {
    "pulse_case_opened": ("INSERT ON reviews_case", (_SHOP + _HOLDER).format(row="NEW")),
    "pulse_case_moved": (
        "UPDATE ON reviews_case",
        (_SHOP + _HOLDER).format(row="NEW") + _HOLDER.format(row="OLD"),
    ),
    "pulse_case_gone": ("DELETE ON reviews_case", (_SHOP + _HOLDER).format(row="OLD")),
    "pulse_case_event": ("INSERT ON reviews_caseevent", _OF_EVENT),
}


def set_triggers(using: str, **_signal: Any) -> None:
    """Receiver of post_migrate."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if not {"reviews_pulse", "reviews_case", "reviews_caseevent"} <= tables:
            return  # migrated back to before there was a pulse
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRES)
            return
        for name, (when, body) in SQLITE.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {when} FOR EACH ROW BEGIN {body} END")


def drop_triggers(using: str, **_signal: Any) -> None:
    """Receiver of pre_migrate; PostgreSQL changes tables with their triggers on."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
