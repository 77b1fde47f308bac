//! Widget keys, sessions and the card pages.

pub(crate) mod card_enrollment;
pub(crate) mod card_pages;
pub(crate) mod sessions;
pub(crate) mod widget_keys;
