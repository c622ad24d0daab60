"""Whether the service lives, whether it can answer, and its figures for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from huaxiang.server.schemas import HealthOut

router = APIRouter(tags=["health"])


@router.get("/health/live")
def live(request: Request) -> HealthOut:
    """The process answers."""
    return HealthOut(status="live", release=None, data_dir=str(request.app.state.settings.data_dir))


@router.get("/health/ready")
def ready(request: Request, response: Response) -> HealthOut:
    """503 until a release is open."""
    release = request.app.state.shops.release_id
    if release is None:
        response.status_code = 503
    status = "ready" if release else "no release yet: run `huaxiang train`"
    return HealthOut(status=status, release=release, data_dir=str(request.app.state.settings.data_dir))


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
