"""What conditions can ask of a customer's past: kept only where the rules name it, and bounded."""
