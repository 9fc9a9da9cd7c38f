"""Who is a caller with a token or a certificate, of ours or of somebody else?"""
