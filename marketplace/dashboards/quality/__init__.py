"""How well the search answers people, for stewards: what is clicked, at which rank, and what nobody answers."""
