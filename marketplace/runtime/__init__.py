"""The embedded default: PostgreSQL and Valkey from wheels, and every process of the marketplace under one supervisor.

Nothing in here knows Django or the rooms of the marketplace; they learn of it only through DATABASE_URL and REDIS_URL.
"""
