"""nb2prod checks Jupyter notebooks for production readiness and converts them into packages."""

__version__ = "0.1.0"
