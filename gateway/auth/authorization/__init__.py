"""What of an operation its caller may read: decided before anything is asked (`decide`), masked after (`mask`)."""
