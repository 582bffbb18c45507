"""python -m kestrel: serve until the process is ended, or standard input is closed.

Standard input's first line is JSON: ``{"accounts": {name: password}, "programs": {name: where answers go}}``.
"""

import argparse
import json
import sys
import threading

from kestrel.accounts import Kestrel
from kestrel.visits import Server


def main() -> None:
    """Print the address, then serve."""
    parser = argparse.ArgumentParser(prog="kestrel", description="a small photo service on the loopback address")
    parser.add_argument("--port", type=int, default=0, help="default: any free one; the address is the first line")
    options = parser.parse_args()
    told = json.loads(sys.stdin.readline())
    server = Server(Kestrel(told["accounts"]), options.port)
    server.programs = told["programs"]
    # Not the name of the site beside it: browsers send a host's cookies to all of its ports.
    print(f"http://localhost:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
