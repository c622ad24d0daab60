"""Who may ask: the API key decides the tenant; without configured keys the server is open, on loopback by default."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from huaxiang.privacy.audit import Audit
from huaxiang.shop import Shop


async def tenant_of(request: Request, x_api_key: Annotated[str | None, Header()] = None) -> str:
    """The tenant that the key belongs to; compared in constant time."""
    keys = request.app.state.settings.server.keys
    if not keys:
        return "default"
    for tenant, key in keys.items():
        if x_api_key is not None and hmac.compare_digest(x_api_key.encode(), key.get_secret_value().encode()):
            return str(tenant)
    raise HTTPException(401, "unknown or missing API key; send it in the header X-API-Key")


async def shop_of(request: Request, tenant: Annotated[str, Depends(tenant_of)]) -> Shop:
    """The tenant's open shop; only the first request of a tenant waits for it, beside the others, in the thread pool.

    These two are coroutines because a plain function costs a request one more walk through the thread pool.
    """
    shops = request.app.state.shops
    shop: Shop = shops.opened(tenant) or await run_in_threadpool(shops.get, tenant)
    return shop


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, for the audit log."""

    audit: Audit
    by: str

    def reads(self, shop: Shop, user_id: str, what: str) -> str:
        """Note that a person's data are read; answers with the id that they are kept under."""
        self.audit.read(shop.gate.raw(user_id), what, by=self.by)
        return shop.gate.stored_id(user_id)


async def visitor_of(request: Request, shop: Annotated[Shop, Depends(shop_of)]) -> Visitor:
    """The one whose key or address the request comes with."""
    host = request.client.host if request.client is not None else "unknown"
    return Visitor(request.app.state.shops.audit(shop), f"HTTP: tenant {shop.tenant}, from {host}")


VisitorDep = Annotated[Visitor, Depends(visitor_of)]
TenantDep = Annotated[str, Depends(tenant_of)]
ShopDep = Annotated[Shop, Depends(shop_of)]
