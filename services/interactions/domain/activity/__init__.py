"""What the customer did and has, one module per subject."""
