"""The HTTP service: routes translate and decide nothing; the core below is synchronous and runs in the thread pool."""
