# ruff: noqa: T201 - what it prints is what the tests look at
"""A service for the supervisor's tests: `NAME PORT BEHAVIOUR`."""

import http.server
import os
import signal
import subprocess
import sys
import threading


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    name, port, behaviour = sys.argv[1:]
    print(f"{name} runs as {os.getpid()}", flush=True)
    if behaviour == "crashes":
        sys.exit(3)
    if behaviour == "has-child":
        print(f"child {subprocess.Popen(['sleep', '600']).pid}", flush=True)
    asked = threading.Event()

    def stop(number: int, _: object) -> None:
        print(f"{name} got {signal.Signals(number).name}", flush=True)
        if behaviour != "stubborn":
            asked.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while not asked.wait(0.1):
        pass
    print(f"{name} closes", flush=True)


if __name__ == "__main__":
    main()
