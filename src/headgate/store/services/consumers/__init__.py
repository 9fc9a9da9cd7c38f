"""Who may call? Organizations and people, applications, keys, subscriptions, grants."""
