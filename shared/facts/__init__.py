"""What facts mean, whichever service hears them: stated once, so that the four agree about a customer."""
