"""The factory of the four services' HTTP applications."""

from collections.abc import Callable, Mapping, Sequence

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
    all_routers = [health.routes(checks, metrics), *routers]
    problems.install(app, _methods_by_path(all_routers))
    for router in all_routers:
        app.include_router(router)
    _complete_document(app)
    return app


def api_router(tag: str) -> APIRouter:
    """A router whose routes read strictly and declare every problem they may answer with."""
    return APIRouter(route_class=StrictRoute, responses=problems.ANSWERS, tags=[tag])


def _operation_id(route: APIRoute) -> str:
    return route.name


def _methods_by_path(routers: Sequence[APIRouter]) -> Callable[[str], str]:
    """What `Allow` says of a path: a resource's methods are routes of their own, and each knows only its own."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]

    def methods_of(path: str) -> str:
        found = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
        return ", ".join(sorted(found))

    return methods_of


def _complete_document(app: FastAPI) -> None:
    """Adds the Problem schema that the declared answers refer to, and what else the document leaves open."""

    def openapi() -> dict[str, object]:
        if not app.openapi_schema:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            definition = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(definition.pop("$defs"))
            schemas["Problem"] = definition
            for part in schemas.values():
                _close_mappings(part)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _close_mappings(schema: object) -> None:
    """Says that a mapping whose names have a pattern takes no others: pydantic refuses them without saying so."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close_mappings(part)
    elif isinstance(schema, list):
        for part in schema:
            _close_mappings(part)
