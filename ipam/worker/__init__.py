"""Housekeeping in the database that no request does."""
