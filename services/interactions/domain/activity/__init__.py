"""What the customer did and has, a module a subject."""
