"""Search: what a query asks for, the items that answer it, in the order of who asks."""
