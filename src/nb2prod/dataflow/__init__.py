"""What names mean: definitions, uses and which definition reaches which use, over cells."""
