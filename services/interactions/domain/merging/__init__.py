"""Two customers who are one: what of each goes where, and comes back."""
