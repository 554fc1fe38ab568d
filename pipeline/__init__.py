"""What is done, in which order? Plain functions, a file or a folder a stage. Knows no scheduler."""
