"""How do people sign up, sign in and look after their account? allauth, in our clothes."""
