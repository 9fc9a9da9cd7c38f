"""What can be done with the store? Each function is one transaction, with its audit entry."""
