"""What all pages of the two sites share: who is signed in, how a page is made, what protects it."""
