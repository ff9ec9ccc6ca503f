"""Imports of foreign estates: applied in one transaction, recorded, undone."""
