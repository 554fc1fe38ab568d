"""When and where is it run? Prefect tasks and flows, and the command line."""
