"""Where reviews take place: GitHub and GitLab, spoken to through their documented REST APIs."""
