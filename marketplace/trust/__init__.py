"""Whether a product can be relied on, judged from its own documents: the checklist, and the FAIR score."""
