"""What `make up` runs: embedded PostgreSQL and broker, the processes and their supervisor. No Django here."""
