"""What teams have to do: tasks, each with a state of its own."""
