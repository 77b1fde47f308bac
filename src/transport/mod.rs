//! The fetch seam: sends a request, knows no payment word.
