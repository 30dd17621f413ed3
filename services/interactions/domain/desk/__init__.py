"""What the desk is told by its file: who is asked for what, and how work is shared out."""
