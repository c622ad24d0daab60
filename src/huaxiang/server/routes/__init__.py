"""Routes by noun; each translates a request into one call of the core and its answer back."""

from huaxiang.server.routes import audiences, events, health, items, recommend, search, suggest, users

ROUTERS = (
    events.router,
    items.router,
    users.router,
    recommend.router,
    search.router,
    suggest.router,
    audiences.router,
    health.router,
)
