"""The program: what its file may say, and which version is in force when."""
