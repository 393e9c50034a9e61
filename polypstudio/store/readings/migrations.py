"""The schema's versions: a database of an older one is brought up to date when it is opened, in one transaction."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Engine, Integer, String, Table, func, inspect, select

from polypstudio.errors import UserError
from polypstudio.store.readings.tables import metadata

schema_versions = Table(
    "schema_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied", String(32), nullable=False),
)
ONE_AT_A_TIME = 0x706F6C79  # name of the lock under which PostgreSQL's tables are changed

# version -> the statements that lead to it from the version before, in SQL that SQLite and PostgreSQL share.
# Version 1 is what `readings.sqlite` was before it kept its version.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE designs ADD COLUMN series VARCHAR(32)",
        "ALTER TABLE designs ADD COLUMN version INTEGER DEFAULT 1 NOT NULL",
        "ALTER TABLE designs ADD COLUMN closed VARCHAR(32)",
        "UPDATE designs SET series = id",
        "ALTER TABLE items ADD COLUMN partner_set VARCHAR(64)",
        "ALTER TABLE items ADD COLUMN partner_index INTEGER",
        "ALTER TABLE items ADD COLUMN training BOOLEAN DEFAULT FALSE NOT NULL",
        "ALTER TABLE readers ADD COLUMN expires VARCHAR(32)",
        "ALTER TABLE readers ADD COLUMN revoked VARCHAR(32)",
        "ALTER TABLE presentations ADD COLUMN swapped BOOLEAN DEFAULT FALSE NOT NULL",
        "ALTER TABLE addresses ADD COLUMN side INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE readings ADD COLUMN quality INTEGER",
        "ALTER TABLE readings ADD COLUMN plausibility INTEGER",
        "ALTER TABLE readings ADD COLUMN preference INTEGER",
        "ALTER TABLE readings ADD COLUMN reason INTEGER",
        "ALTER TABLE readings ADD COLUMN comment TEXT",
        "ALTER TABLE readings ADD COLUMN zoom FLOAT",
        "ALTER TABLE readings ADD COLUMN brightness FLOAT",
    ),
}
LATEST = max(MIGRATIONS)


def bring_up_to_date(engine: Engine, time: str) -> None:
    """Makes the tables, or leads those of an older version to the latest. UserError if they are of a newer one."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
        found = _version(connection)
        if found == LATEST:
            return
        if found > LATEST:
            raise UserError(
                f"the database of readings is of version {found}, this PolypStudio knows {LATEST}: update PolypStudio"
            )
        for version in range(found + 1, LATEST + 1) if found else ():
            for statement in MIGRATIONS[version]:
                connection.exec_driver_sql(statement)
        metadata.create_all(connection)
        connection.execute(schema_versions.insert().values(version=LATEST, applied=time))


def _version(connection: Connection) -> int:
    """0 where there are no tables yet."""
    tables = inspect(connection).get_table_names()
    if schema_versions.name in tables:
        return connection.scalar(select(func.max(schema_versions.c.version))) or 0
    return 1 if "designs" in tables else 0
