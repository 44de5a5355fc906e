"""The whole service as it is deployed, on a PostgreSQL and a Redis of the run, and what each of its processes costs."""
