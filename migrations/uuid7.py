"""uuidv7() for servers older than PostgreSQL 18, which has it built in."""

from sqlalchemy import Connection, text

BUILT_IN = 180_000  # server_version_num

# RFC 9562: 48 bits of milliseconds since 1970, then the version (7), the variant and random bits.
# The twelve bits behind the version are the fraction of the millisecond, as PostgreSQL 18 fills
# them: keys of one session rise within a millisecond, too.
FUNCTION = r"""
CREATE OR REPLACE FUNCTION {name}() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT CAST(
        lpad(to_hex(micro / 1000), 12, '0')
        || to_hex(x'7000'::int + CAST(micro % 1000 AS int) * 4096 / 1000)
        || substr(CAST(gen_random_uuid() AS text), 20, 4)
        || substr(CAST(gen_random_uuid() AS text), 25, 12)
    AS uuid)
    FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS micro) AS now
$$
"""


def provide(connection: Connection, name: str = "uuidv7") -> None:
    """Make the function where the server has none; the server's own goes before it."""
    version = int(str(connection.scalar(text("SHOW server_version_num"))))
    if version < BUILT_IN:
        make(connection, name)


def make(connection: Connection, name: str) -> None:
    """Make it under that name."""
    connection.exec_driver_sql(FUNCTION.format(name=name))
