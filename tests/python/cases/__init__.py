"""A case for each public method of the official Python client: see test_methods.py."""

from cases import agents, base, mpp, organizations, plans, x402  # noqa: F401
