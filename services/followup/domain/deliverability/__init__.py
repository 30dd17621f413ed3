"""What is heard of messages that went, and what that means for their addresses."""
