"""The yardstick of HTTP figures: a bare FastAPI application on the server that Waypost's services run on."""

import sys

import uvicorn
import uvloop
from fastapi import FastAPI


def application() -> FastAPI:
    """One route that does nothing."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/ping")
    async def ping() -> dict[str, bool]:
        return {"pong": True}

    return app


def serve(port: int) -> None:
    """Serves it with the settings of shared/process.py."""
    config = uvicorn.Config(
        application(),
        host="127.0.0.1",
        port=port,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )
    uvloop.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    serve(int(sys.argv[1]))
