"""Protocols that measure the whole way of the data on files nobody prepared."""
