"""Evaluates the policies a product was given and keeps the reports."""
