"""Pages for marketers: what they are drawn with."""
