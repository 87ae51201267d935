"""The web page: a search for similar galaxies, and a hunt for anomalies.

``python -m workflow.app`` starts the server. Its modules, from the entry point to the details:

- start: ``__main__`` (the command), ``page`` (the script that Streamlit runs for each visitor)
- similar galaxies: ``similarity_page``, ``controls`` (the form), ``filters``, ``query`` (parses
  what is typed), ``resolver`` (coordinates of names), ``search``, ``sky_map``
- the user's own image: ``upload``, ``draw_untrusted`` (decodes it) and ``encoder_process`` (the
  network), which are processes of their own
- hunt: ``hunt_page``, ``hunt`` (ratings and model together), ``ratings`` (the file of ratings),
  ``rater`` (the rating element, with its HTML, CSS and JavaScript)
- both pages: ``survey`` (the workflow's results), ``thumbnails``, ``gallery``, ``closeup`` (one
  galaxy enlarged), ``table``, ``downloads``, ``links``, ``names`` (of columns, as people say them),
  ``text``
"""
