"""How do records get into the store, what do they answer, and when do they leave it?"""
