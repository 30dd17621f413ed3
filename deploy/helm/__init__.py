"""What the Helm chart is told by the code."""
