"""Housekeeping in the database, outside of requests."""
