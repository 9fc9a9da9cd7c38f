"""Which APIs, versions, products and plans are there, and what is read of them?"""
