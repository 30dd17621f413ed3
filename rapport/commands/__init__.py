"""The commands of ``rapport``, a module each; imported when called."""
