"""What rooms above may listen to, so that search need not know them."""

from django.dispatch import Signal

answered = Signal()
"""A program's question was answered: `request`, `typed` (the question as sent), `found` (Results), `offset`."""
