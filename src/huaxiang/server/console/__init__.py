"""The console: one page that shows a shopper's profile, the live events and the recommendations side by side."""

from fastapi import FastAPI


def install(app: FastAPI) -> None:
    """Serve the console under `/`."""
