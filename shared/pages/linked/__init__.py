"""What all pages behind links have: their layout, their one style, and the words of every one."""

from pathlib import Path

LINKED = Path(__file__).parent
