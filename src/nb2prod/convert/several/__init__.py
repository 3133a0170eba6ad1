"""Several notebooks as one package: each is a part of it, what they define alike stands once."""
