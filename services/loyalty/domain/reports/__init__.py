"""What a member or the company reads of accounts: statements, lots, explanations, the liability."""
