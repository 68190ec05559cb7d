"""Header, navigation, help, authorization and presentation mode of the pages."""
