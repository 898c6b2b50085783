"""What every page of kft looks like, and what makes text of its template."""
