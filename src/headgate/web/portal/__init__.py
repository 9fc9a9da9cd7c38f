"""The developer portal: the catalogue, applications and keys of those who call APIs."""
