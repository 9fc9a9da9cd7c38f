"""What does `headgate up --demo` show? The main job, on a real API, as typed commands."""
