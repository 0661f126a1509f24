"""The broker's side: links, subscriptions, the mailbox."""
