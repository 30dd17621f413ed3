"""How Rapport is run and watched; what is made here is made of what the services declare."""
