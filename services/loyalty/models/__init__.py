"""What the loyalty API takes and answers, a module a subject."""
