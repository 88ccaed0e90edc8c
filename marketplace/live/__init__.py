"""The live window: asks data products about themselves, at the moment somebody looks.

Nothing fetched is ever stored in PostgreSQL.
"""
