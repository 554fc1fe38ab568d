"""What learns? Features, the theme classifier, topic models. Knows no study folder."""
