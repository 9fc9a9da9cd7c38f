"""What is told to whom? Events, webhooks, and mails by kind."""
