"""/metrics: what Prometheus scrapes."""

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from iotops.api.access import PUBLIC_ON_LOOPBACK
from iotops.api.context import ContextOf
from iotops.api.figures import Figures

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format"}},
    dependencies=[PUBLIC_ON_LOOPBACK],
)
def get_metrics(context: ContextOf) -> Response:
    """Return the figures of ingest, rules and incidents. Needs a token only where others can reach us."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(context))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
