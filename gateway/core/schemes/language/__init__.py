"""What a scheme file can say."""
