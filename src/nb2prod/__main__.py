"""Runs the command line for ``python -m nb2prod``; owns nothing else."""

from nb2prod.cli import main

if __name__ == "__main__":
    main()
