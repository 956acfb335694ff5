"""Open data sets with questions of their own: imported, asked by person, and answered by models that never saw them."""
