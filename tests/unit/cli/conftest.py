"""kafka-python reads its schemas through an API that Python 3.11 deprecated; it warns as it is imported."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401
