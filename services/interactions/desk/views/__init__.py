"""What pages show, made of rows and states. Pure."""
