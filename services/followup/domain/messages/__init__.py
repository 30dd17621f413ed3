"""What messages say: templates, and how values read in them."""
