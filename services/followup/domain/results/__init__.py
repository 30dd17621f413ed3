"""What became of a rule's messages: counted as it happens, compared by intention to treat."""
