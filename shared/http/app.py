"""The factory of the four services' HTTP applications."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from shared.http import health, problems
from shared.http.auth import Verifier
from shared.http.context import RequestContext
from shared.http.health import Check
from shared.http.strict_json import StrictRoute
from shared.telemetry.metrics import Metrics

VERSION = "0.1.0"


def create_app(
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    metrics: Metrics,
    checks: Mapping[str, Check],
    verifier: Verifier,
    cors_origins: Sequence[str] = (),
    has_docs: bool = True,
) -> FastAPI:
    """An application with strict bodies, problem details, health, metrics, and its answers declared."""
    middleware = [Middleware(RequestContext, metrics=metrics)]
    if cors_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(cors_origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "If-Match",
                    "Idempotency-Key",
                    "Last-Event-ID",
                ],
                expose_headers=["ETag", "traceparent", "Retry-After"],
            )
        )
    app = FastAPI(
        title=title,
        description=description,
        version=VERSION,
        middleware=middleware,
        redirect_slashes=False,
        docs_url="/docs" if has_docs else None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=_operation_id,
    )
    app.state.verifier = verifier
    app.state.metrics = metrics
    app.router.route_class = StrictRoute
    problems.install(app)
    app.include_router(health.routes(checks, metrics))
    for router in routers:
        app.include_router(router)
    _declare_problems(app)
    return app


def api_router(tag: str) -> APIRouter:
    """A router whose routes read strictly and declare every problem they may answer with."""
    return APIRouter(route_class=StrictRoute, responses=problems.ANSWERS, tags=[tag])


def _operation_id(route: APIRoute) -> str:
    return route.name


def _declare_problems(app: FastAPI) -> None:
    """Adds the Problem schema that the declared answers refer to."""

    def openapi() -> dict[str, object]:
        if not app.openapi_schema:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            definition = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(definition.pop("$defs"))
            schemas["Problem"] = definition
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document
