"""What `make up` runs: embedded PostgreSQL and broker, the product's processes, and their supervisor. No Django here."""
