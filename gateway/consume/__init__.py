"""Giving data out: downloads, queries, orders."""
