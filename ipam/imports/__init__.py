"""Estates of other DHCP servers and address lists: read, understood, and planned for ipam.

Pure: text in, an `Estate` and a `Plan` out. `ipam.cli` reads the files and asks the service.
"""
