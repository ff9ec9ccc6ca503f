"""Backups: the rows of every table in one file that any of the databases can be made from.

`backup_file` knows the file and no database, `snapshot` reads a database into it, `restoring`
makes a database of it.
"""
