"""Messages to people: chats and mail."""
