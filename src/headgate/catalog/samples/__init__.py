"""In which languages are samples written? One file each; `catalog/sample.py` finds them."""
