"""Custom Streamlit components: the Python side of the modules in `assets`."""
