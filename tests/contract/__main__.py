"""`python -m tests.contract --examples 200 --seed 7`: prints what was asked and what was found."""

import argparse
import random
import subprocess
import sys
import tempfile

import store
from tests.contract import command, described_api
from tests.peers.postgres import PostgresServer


def main() -> int:
    """Ask once; return 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="made-up requests per operation")
    parser.add_argument("--seed", type=int, default=None, help="of a run that is to come again")
    parser.add_argument("--plain", action="store_true", help="on PostgreSQL without TimescaleDB")
    given = parser.parse_args()
    seed = random.randrange(2**31) if given.seed is None else given.seed
    make = PostgresServer.plain if given.plain else PostgresServer.timescale
    with make() as server, tempfile.TemporaryDirectory() as folder:
        database = server.settings(server.create_database())
        store.migrate(database)
        with described_api(database) as api:
            options = ("--max-examples", str(given.examples), "--seed", str(seed))
            line, environment = command(api, *options, "--generation-database", "none")
            return subprocess.run(line, env=environment, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
