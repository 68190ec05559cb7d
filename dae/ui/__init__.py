"""The Streamlit side of dae: the only part of the package that imports streamlit."""
