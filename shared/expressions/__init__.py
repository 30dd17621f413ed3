"""The language of expressions, CEL: read as a tree, checked, evaluated with only what is named in it."""
