"""Run a home's advertising platforms by hand: `python -m workspace.demo.ads --home var/demo --port 8099`."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from workspace.demo.ads.described import variable
from workspace.demo.ads.serving import serving
from workspace.demo.home import read_clock
from workspace.errors import WorkspaceError


def main() -> int:
    """Serve until interrupted; tell the address and the names of the credentials' variables, not their values."""
    parser = argparse.ArgumentParser(prog="python -m workspace.demo.ads", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path("var/demo"), help="the demo's folder")
    parser.add_argument("--port", type=int, default=0, help="any free port if 0")
    parser.add_argument("--credentials", action="store_true", help="print them, to export them")
    asked = parser.parse_args()
    try:
        clock = read_clock(asked.home)
        with serving(asked.home, asked.port) as server:
            print(f"export DEMO_ADS_URL={server.url}  # the clock stands at {clock.isoformat()}", flush=True)  # noqa: T201
            for platform, named in server.sim.credentials.items() if asked.credentials else ():
                for name, value in named.items():
                    print(f"export {variable(platform, name)}={value}", flush=True)  # noqa: T201
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (WorkspaceError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
