"""What `mesh` can do; one module for each kind of work."""
